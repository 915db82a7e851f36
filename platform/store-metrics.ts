import { Gauge } from 'prom-client';

const MODES = ['writable', 'read_only', 'unavailable'] as const;

const databaseMode = new Gauge({
  name: 'pdlite_database_mode',
  help: '1 for how PostgreSQL is: writable, read_only or unavailable.',
  labelNames: ['mode'] as const,
});
const directoryFromCopy = new Gauge({
  name: 'pdlite_directory_from_copy',
  help: '1 while the configuration comes from the copy on disk, because PostgreSQL has not been seen yet.',
});
const directoryCopyAge = new Gauge({
  name: 'pdlite_directory_copy_age_seconds',
  help: 'Since the directory’s copy on disk was last known current; +Inf without one.',
});
const projectionBacklog = new Gauge({
  name: 'pdlite_projection_backlog',
  help: 'Writes of projections that wait for a worker, as Temporal counts them; NaN while it does not answer.',
});
const projectionBacklogAge = new Gauge({
  name: 'pdlite_projection_backlog_seconds',
  help: 'Age of the oldest write of a projection that waits for a worker; NaN while nobody knows.',
});

/** What is asked each time somebody reads the metrics. */
export interface StoreSources {
  readonly databaseMode: () => string;
  readonly directoryFromCopy: () => boolean;
  /** Milliseconds; infinite without a copy. */
  readonly directoryCopyAgeMs: () => number;
}

/** Shows how a process stands with PostgreSQL, and what it would do without it. Called once a process. */
export function meterStores(sources: StoreSources): void {
  const collectMode = (): void => {
    const now = sources.databaseMode();
    for (const mode of MODES) databaseMode.set({ mode }, mode === now ? 1 : 0);
  };
  Object.assign(databaseMode, { collect: collectMode });
  Object.assign(directoryFromCopy, {
    collect: () => directoryFromCopy.set(sources.directoryFromCopy() ? 1 : 0),
  });
  Object.assign(directoryCopyAge, {
    collect: () => directoryCopyAge.set(sources.directoryCopyAgeMs() / 1000),
  });
}

/** Shows what waits for the projections; null: nobody knows. */
export function meterBacklog(
  backlog: { readonly tasks: number; readonly ageSeconds: number } | null,
): void {
  projectionBacklog.set(backlog?.tasks ?? Number.NaN);
  projectionBacklogAge.set(backlog?.ageSeconds ?? Number.NaN);
}

/** An age in milliseconds for health answers: JSON knows no infinity. */
export function ageOrNull(ms: number = Number.POSITIVE_INFINITY): number | null {
  return Number.isFinite(ms) ? Math.round(ms) : null;
}
