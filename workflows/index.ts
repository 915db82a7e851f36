export { heartbeat } from './heartbeat.ts';
export { incident } from './incident.ts';
export { responder } from './responder.ts';
