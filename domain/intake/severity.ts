import type { Severity } from '../model.ts';

const WORDS: Readonly<Record<Severity, readonly string[]>> = {
  critical: ['critical', 'crit', 'fatal', 'emergency', 'alert', 'page', 'disaster', 'p1', 'sev1'],
  error: ['error', 'err', 'major', 'high', 'severe', 'p2', 'sev2'],
  warning: ['warning', 'warn', 'minor', 'medium', 'average', 'p3', 'sev3'],
  info: [
    'info',
    'information',
    'informational',
    'notice',
    'low',
    'none',
    'ok',
    'debug',
    'p4',
    'p5',
  ],
};
const BY_WORD: ReadonlyMap<string, Severity> = new Map(
  Object.entries(WORDS).flatMap(([severity, words]) =>
    words.map((word) => [word, severity as Severity] as const),
  ),
);

/** Exactly one of PagerDuty's four words. */
export function isSeverity(value: unknown): value is Severity {
  return value === 'critical' || value === 'error' || value === 'warning' || value === 'info';
}

/** The severity that a word of another tool means; null for one that is not known. */
export function severityOfWord(word: string): Severity | null {
  return BY_WORD.get(word.trim().toLowerCase()) ?? null;
}
