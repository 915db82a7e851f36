export { responder } from './responder.ts';
