import type { ApiDeps } from '../deps.ts';
import { createLiveIncidents } from '../live-incidents.ts';
import type { Route } from '../route.ts';
import { createAlertRoutes } from './alerts.ts';
import { createIncidentListRoutes } from './incident-list.ts';
import type { IncidentDeps } from './incident-part.ts';
import { createIncidentWriteRoutes } from './incident-writes.ts';
import { createLogEntryRoutes } from './log-entries.ts';
import { createNoteRoutes } from './notes.ts';
import { createResponderRequestRoutes } from './responder-requests.ts';

/** Everything under `/incidents` and `/log_entries`, on one memory of where incidents run. */
export function createIncidentRoutes(deps: ApiDeps): readonly Route[] {
  const parts: IncidentDeps = { ...deps, live: createLiveIncidents(deps) };
  return [
    ...createIncidentListRoutes(parts),
    ...createIncidentWriteRoutes(parts),
    ...createAlertRoutes(parts),
    ...createNoteRoutes(parts),
    ...createLogEntryRoutes(parts),
    ...createResponderRequestRoutes(parts),
  ];
}
