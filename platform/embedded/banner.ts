import type { Settings } from './settings.ts';

/** Integration key of the demo account's seed (db/seed.ts): it pages simulated people only. */
const DEMO_ROUTING_KEY = 'd3m0d3m0d3m0d3m0d3m0d3m0d3m0d3m0';

/** Says where everything is, and the one command that pages somebody. */
export function printWelcome(
  settings: Settings,
  processes: readonly { readonly name: string; readonly pid: number | undefined }[],
  firstRun: boolean,
): void {
  const { config } = settings;
  const api = `http://127.0.0.1:${config.API_PORT}`;
  const simulators = `http://127.0.0.1:${config.SIMULATORS_PORT}`;
  const event = {
    routing_key: DEMO_ROUTING_KEY,
    event_action: 'trigger',
    payload: { summary: 'Checkout is failing', source: 'checkout-1', severity: 'critical' },
  };
  console.log(`
PD Lite is running${firstRun ? ' (first run: a demo account was made)' : ''}.

  phone and mailbox   ${simulators}/          ← watch the page arrive here, and answer it
  api                 ${api}/
  api documentation   ${api}/docs
  Temporal UI         ${config.TEMPORAL_UI_URL}/
  logs                ${settings.dataDir}/logs/
  processes           ${processes.map(({ name, pid }) => `${name} ${pid ?? '-'}`).join(' · ')}

Page somebody:

  curl -s ${api}/v2/enqueue -H 'content-type: application/json' -d '${JSON.stringify(event)}'

Ctrl-C stops everything; the next \`npm start\` goes on where it stopped.`);
}
