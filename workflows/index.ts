export { heartbeat } from './heartbeat.ts';
export { incident } from './incident.ts';
export { repair } from './repair.ts';
export { responder } from './responder.ts';
