/** Everything that can be wrong with a run. */
export const FINDING_KINDS = {
  lost: 'accepted with 202, and there is no incident',
  'missed page': 'an incident, and nobody was paged',
  'late page': 'the first page came too late',
  'missed escalation': 'nobody answered, and the next step was not paged',
  'skipped escalation': 'a later step was paged, an earlier one not',
  'late escalation': 'a step was paged too late',
  'early escalation': 'a step was paged before its time',
  'too many copies': 'more than two copies of one notification',
  'ghost: never sent': 'a page for a key that no client sent',
  'ghost: before sent': 'a page before its event was sent',
  'ghost: only refused': 'a page though every attempt was refused',
  'ghost: after resolve': 'a page after the alert had resolved',
  'ghost: after answer': 'a page after a person had answered',
  'silence not noticed': 'a vendor said nothing of a message, and no other way was taken',
  'wrong person': 'a page to somebody whom the policy does not name',
  'unknown address': 'a page to an address of nobody',
  'answer to an unseen page':
    'an answer counted for an incident whose page had not gone out when it was given',
  'answer not effective': 'a person was told that an answer counts, and in the end it did not',
  'resolve not effective': 'a resolve was accepted, and the incident is still open',
  'answer from nowhere': 'an incident was answered that nobody answered',
  'doubled incident': 'one alert, more incidents than it opened',
  'incident from nowhere': 'an incident for a key that no client sent',
  'refusal not counted': 'clients were refused more often than the product counts',
  'refusal without Retry-After': 'a refusal that does not say when to come back',
  'unexpected answer': 'an answer that the protocol does not know',
  'accepted late': 'an event was refused for too long',
  'database state noticed late': 'PostgreSQL had changed, and the product said so too late',
  'changes refused too long': 'PostgreSQL took writes, and the product still no changes',
  'lists caught up late': 'PostgreSQL took writes, and lists still missed what had been accepted',
  'change lost': 'a change was answered as made, and is not there in the end',
  'refused change made': 'a change was answered as refused, and is there in the end',
  'fault left on': 'a fault has no end on record',
  'ledger gap': 'a ledger misses lines',
} as const;

export type FindingKind = keyof typeof FINDING_KINDS;

export interface Finding {
  readonly kind: FindingKind;
  /** The alert's key; null where it is not about one. */
  readonly key: string | null;
  /** When, milliseconds since 1970. */
  readonly at: number;
  /** What exactly, for people. */
  readonly text: string;
}
