import type { MoodKind } from './moods.ts';

/** What a vendor reports about a message, in order; each says it in its own words. */
export type ReportStep = 'sent' | 'delivered' | 'undelivered';

/** The reports about a message that a vendor in this mood took. */
export function reportPlan(mood: MoodKind): readonly ReportStep[] {
  if (mood === 'silent') return [];
  if (mood === 'twice') return ['sent', 'sent', 'delivered', 'delivered'];
  if (mood === 'disorder') return ['delivered', 'sent'];
  return mood === 'undelivered' ? ['sent', 'undelivered'] : ['sent', 'delivered'];
}
