import type { Reply, KnownIncident } from './types.ts';

const DONE = { acknowledge: 'Acknowledged', resolve: 'Resolved', escalate: 'Escalated' } as const;

/** Longest list of incidents that a sentence spells out. */
const NAMED = 3;
/** Characters of a title beside a code: several of them have to fit into a text message. */
const CHOICE_TITLE = 30;

/** «Acknowledged: #12 Disk full.» or «Resolved: 4 incidents (#1, #2, #3, …).» */
export function acceptedText(
  action: Reply['action'],
  incidents: readonly KnownIncident[],
  already: readonly KnownIncident[],
  userId: string,
): string {
  const rest = already.length === 0 ? '' : ` ${alreadyText(already, userId)}`;
  return `${DONE[action]}: ${names(incidents)}.${rest}`;
}

/** A code, and the open incidents that it answers. */
export interface Choice {
  readonly code: string;
  readonly incidents: readonly KnownIncident[];
}

/** «4 ABC234 for #12 Disk full, 4 DEF567 for 2 incidents (#13, #14)»; null when there is no code to name. */
export function choicesText(digit: string, choices: readonly Choice[]): string | null {
  if (choices.length === 0) return null;
  const shown = choices
    .slice(-NAMED)
    .map(({ code, incidents }) => `${digit} ${code} for ${names(incidents, CHOICE_TITLE)}`);
  const left = choices.length - shown.length;
  return `${shown.join(', ')}${left > 0 ? `, or a code of the ${left} messages before` : ''}`;
}

/** Who answered, and when. */
export function alreadyText(incidents: readonly KnownIncident[], userId: string): string {
  const [first] = incidents;
  if (!first?.closed) return 'That was answered already.';
  const { by, at, status } = first.closed;
  const who = by.type === 'user' && by.id === userId ? 'you' : by.summary;
  const verb = incidents.length === 1 ? 'was' : 'were';
  return `${names(incidents)} ${verb} already ${status} by ${who} at ${clock(at)}.`;
}

function names(incidents: readonly KnownIncident[], titleLength = 60): string {
  const [first] = incidents;
  if (first && incidents.length === 1) {
    // never half of a character
    const title = first.title.slice(0, titleLength).replace(/[\uD800-\uDBFF]$/, '');
    return `#${first.incidentNumber} ${title}`.trim();
  }
  const numbers = incidents.slice(0, NAMED).map((item) => `#${item.incidentNumber}`);
  const more = incidents.length > NAMED ? ', …' : '';
  return `${incidents.length} incidents (${numbers.join(', ')}${more})`;
}

/** `14:05 UTC`; a text that is no instant comes back as it is. */
export function clock(at: string): string {
  const instant = new Date(at);
  if (Number.isNaN(instant.getTime())) return at;
  return `${instant.toISOString().slice(11, 16)} UTC`;
}
