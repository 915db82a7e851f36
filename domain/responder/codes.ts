import { RESPONDER_LIMITS } from './limits.ts';
import type { IssuedCode, ResponderState } from './types.ts';

// Without I, O, 0 and 1, which people take for one another.
const ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';
const LENGTH = 6;
const SPACE = 32 ** LENGTH;

/** Incident ids that all codes together may name: the oldest codes go when there are more. */
const MAX_REFERENCES = 6000;

/**
 * A reply code that is in nobody's hands: six characters, at least one of them a digit, so that no
 * word is taken for a code. `slot` tells apart the codes of one decision.
 */
export function makeCode(chance: string, slot: number, taken: ReadonlySet<string>): string {
  let value = draw(chance, slot);
  // Ends soon: at most 24 values in a row lack a digit, and few are taken.
  for (;;) {
    const code = spell(value);
    if (/[2-9]/.test(code) && !taken.has(code)) return code;
    value = (value + 1) % SPACE;
  }
}

/** 30 bits out of the chance text. The digits of a UUID that are not random are left out. */
function draw(chance: string, slot: number): number {
  const digits = chance
    .split(/[^0-9a-f-]+/i)
    .map((uuid) => uuid.replaceAll('-', ''))
    .map((hex) => hex.slice(0, 12) + hex.slice(13, 16) + hex.slice(17))
    .join('');
  const places = Math.max(1, Math.floor(digits.length / 8));
  const part = digits.slice((slot % places) * 8, (slot % places) * 8 + 8);
  return Number.parseInt(part || '0', 16) % SPACE;
}

function spell(value: number): string {
  let rest = value;
  let code = '';
  for (let place = 0; place < LENGTH; place++) {
    code = ALPHABET.charAt(rest % 32) + code;
    rest = Math.floor(rest / 32);
  }
  return code;
}

/** Remembers a code; at the bound the oldest go. `forgotten` says how many, for the log. */
export function rememberCode(
  codes: readonly IssuedCode[],
  code: IssuedCode,
): { readonly codes: readonly IssuedCode[]; readonly forgotten: number } {
  const all = [...codes, code];
  let kept = all.slice(-RESPONDER_LIMITS.codes);
  let references = kept.reduce((sum, item) => sum + item.incidentIds.length, 0);
  while (references > MAX_REFERENCES && kept.length > 1) {
    references -= kept[0]?.incidentIds.length ?? 0;
    kept = kept.slice(1);
  }
  return { codes: kept, forgotten: all.length - kept.length };
}

/** The message that a typed code stands for, while it is younger than seven days. */
export function findCode(
  state: ResponderState,
  typed: string,
  nowMs: number,
): IssuedCode | undefined {
  const code = typed.toUpperCase();
  return state.codes.find((item) => item.code === code && isAlive(item, nowMs));
}

export function isAlive(code: IssuedCode, nowMs: number): boolean {
  return nowMs < code.issuedMs + RESPONDER_LIMITS.codeLifeMs;
}
