/** What a person meant by a text message, a mail or a key. Null: nothing that we understand. */
export type ParsedReply =
  | {
      readonly kind: 'answer';
      readonly action: 'acknowledge' | 'resolve' | 'escalate';
      /** Upper case; null for a bare reply. */
      readonly code: string | null;
    }
  /** HELP or INFO; STOP and its like; START or UNSTOP (the words that carriers demand). */
  | { readonly kind: 'help' | 'stop' | 'start' }
  /** Voice only: `*` says the message again. */
  | { readonly kind: 'repeat' };

type Action = 'acknowledge' | 'resolve' | 'escalate';

const KEYWORDS: Readonly<Record<string, 'help' | 'stop' | 'start'>> = {
  stop: 'stop',
  stopall: 'stop',
  unsubscribe: 'stop',
  end: 'stop',
  quit: 'stop',
  cancel: 'stop',
  start: 'start',
  unstop: 'start',
  help: 'help',
  info: 'help',
};

const ACTIONS: Readonly<Record<string, Action>> = {
  '4': 'acknowledge',
  ack: 'acknowledge',
  acknowledge: 'acknowledge',
  acknowledged: 'acknowledge',
  '6': 'resolve',
  res: 'resolve',
  resolve: 'resolve',
  resolved: 'resolve',
  '5': 'escalate',
  esc: 'escalate',
  escalate: 'escalate',
};

// The shape of `makeCode`: six characters without I, O, 0 and 1, at least one digit.
const CODE = /^(?=.*[2-9])[A-HJ-NP-Z2-9]{6}$/i;
const GLUED = /^(4|5|6)([A-HJ-NP-Z2-9]{6})$/i;

/** Longest first line that is looked at, in characters. */
const LONGEST = 200;

/**
 * Reads an SMS, or the first written line of a mail: an action with a code before or after it, or
 * one of the carriers' words. Quoted lines and what follows them do not count.
 */
export function parseReply(text: string): ParsedReply | null {
  const words = firstLine(text)
    .split(/[\s,;:()]+/)
    .map(bare)
    .filter(Boolean);
  const [first = '', second = ''] = words;
  if (words.length === 1) return parseWord(first);
  return parsePair(first, second, words.length) ?? parsePair(second, first, words.length);
}

function parseWord(word: string): ParsedReply | null {
  const key = word.toLowerCase();
  const kind = Object.hasOwn(KEYWORDS, key) ? KEYWORDS[key] : undefined;
  if (kind) return { kind };
  const glued = GLUED.exec(word);
  if (glued) return answer(glued[1] ?? '', glued[2] ?? '');
  return answer(word, null);
}

function parsePair(action: string, code: string, words: number): ParsedReply | null {
  if (CODE.test(code)) return answer(action, code);
  // «ack please» is an answer, «6 of us are on it» is talk.
  return words === 2 && /^[a-z]+$/i.test(action) && /^[a-z]+$/i.test(code)
    ? polite(action, code)
    : null;
}

const POLITE = new Set(['please', 'it', 'this', 'thanks', 'now', 'incident']);

function polite(action: string, word: string): ParsedReply | null {
  return POLITE.has(word.toLowerCase()) ? answer(action, null) : null;
}

function answer(word: string, code: string | null): ParsedReply | null {
  const action = Object.hasOwn(ACTIONS, word.toLowerCase())
    ? ACTIONS[word.toLowerCase()]
    : undefined;
  if (!action) return null;
  return { kind: 'answer', action, code: code === null ? null : code.toUpperCase() };
}

/** The first line that has something on it; empty when a quotation or signature comes before. */
function firstLine(text: string): string {
  const line = text.split(/\r\n|\r|\n/).find((item) => item.trim() !== '') ?? '';
  const written = line.normalize('NFKC').trim();
  return /^(>|--$|-- |On .+ wrote:$|_{5,})/.test(written) ? '' : written.slice(0, LONGEST);
}

/** Without the quotes, full stops and other marks that people and keyboards put around a word. */
function bare(word: string): string {
  return word.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, '');
}

/** A key pressed in a call: 4 acknowledges, 6 resolves, 5 escalates, `*` repeats, 0 helps. */
export function parseDigit(digit: string): ParsedReply | null {
  switch (digit) {
    case '4':
      return { kind: 'answer', action: 'acknowledge', code: null };
    case '6':
      return { kind: 'answer', action: 'resolve', code: null };
    case '5':
      return { kind: 'answer', action: 'escalate', code: null };
    case '*':
      return { kind: 'repeat' };
    case '0':
      return { kind: 'help' };
    default:
      return null;
  }
}
