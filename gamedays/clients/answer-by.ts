import { setTimeout as sleep } from 'node:timers/promises';

import { z } from 'zod';

import { keysIn } from '../ledgers/received.ts';
import type { AnswerRecord } from '../ledgers/records.ts';

export type Answer = AnswerRecord['result'];

/** What came of an answer. */
export interface Answered {
  readonly result: Answer;
  /** What the product says that it was about, where it says so: a bare text answers what is open then. */
  readonly about?: readonly string[];
}

/** A page as it lies on somebody's phone. */
export interface Message {
  /** URL of the simulators that have it. */
  readonly simulators: string;
  readonly channel: string;
  readonly address: string;
  readonly keys: readonly string[];
  /** When it came, milliseconds since 1970. */
  readonly at: number;
  /** Of the ledger's entry that brought it. */
  readonly seq: number;
  readonly item: Readonly<Record<string, unknown>> & { readonly id: string };
  /** The last texts on that phone, whichever vendor brought them. */
  readonly texts: () => readonly Text[];
}

export interface Text {
  readonly id: string;
  readonly text: string;
}

const LIMIT_MS = 15_000;
/** A text that tells what came of an answer is there by then. */
const TOLD_MS = 10_000;
const REPLIES_MAX = 20;
const AGAIN_MS = 3000;
/** A call that says nothing for so long is over. */
const CALL_MS = 20_000;
const LABELS = { acknowledge: 'Acknowledge', resolve: 'Resolve' } as const;
const DIGITS = { acknowledge: '4', resolve: '6' } as const;

/**
 * Answers a page in the way in which it came: button, text, link or key. `pick_up` only takes a call.
 * @throws Error when the simulators cannot be reached.
 */
export async function answerBy(
  message: Message,
  action: 'acknowledge' | 'resolve' | 'pick_up',
): Promise<Answered> {
  if (action === 'pick_up') {
    await control(message, `/calls/${message.item.id}`, { do: 'answer' });
    return { result: 'unknown' };
  }
  switch (message.channel) {
    case 'push':
      return { result: await press(message, LABELS[action]) };
    case 'sms':
      return text(message, DIGITS[action]);
    case 'voice':
      return { result: await key(message, DIGITS[action]) };
    default:
      return { result: await follow(message, LABELS[action]) };
  }
}

const pressed = z.object({
  pressed: z.array(z.object({ label: z.string(), status: z.number(), answer: z.string() })),
});

async function press(message: Message, label: string): Promise<Answer> {
  const item = pressed.safeParse(
    await control(message, `/pushes/${message.item.id}/press`, { label }),
  );
  const last = item.data?.pressed.findLast((one) => one.label === label);
  return last ? resultOf(last.status, last.answer) : 'unknown';
}

/** What the page behind a link or button says, as JSON. */
function resultOf(status: number, body: string): Answer {
  if (status === 0 || status >= 500) return 'unknown';
  const result = /"result":\s*"([a-z_]+)"/.exec(body)?.[1];
  return result === 'accepted' || result === 'recorded' ? 'accepted' : 'refused';
}

async function follow(message: Message, label: string): Promise<Answer> {
  const url = new RegExp(`^${label}: (\\S+)$`, 'm').exec(String(message.item['text']))?.[1];
  if (url === undefined) return 'refused';
  const response = await fetch(url, {
    method: 'POST',
    headers: { accept: 'application/json' },
    signal: AbortSignal.timeout(LIMIT_MS),
  });
  return resultOf(response.status, await response.text());
}

const sms = z.object({ problem: z.string().nullable() });

/**
 * The vendor hands the text over, and what came of it is told by another text. Who is told that several are open
 * replies once more, with the code of what the message was about.
 */
async function text(message: Message, digit: string): Promise<Answered> {
  const code = /Reply 4 ([A-Z2-9]{6})/.exec(String(message.item['text']))?.[1];
  const first = await reply(message, code === undefined ? digit : `${digit} ${code}`);
  const named = first.choices?.find(({ about }) =>
    message.keys.every((key) => about.includes(key)),
  );
  return named ? reply(message, `${digit} ${named.code}`) : first;
}

interface Told extends Answered {
  /** Several are open: what to reply for each. */
  readonly choices?: readonly { readonly code: string; readonly about: string }[];
}

/** Again and again while the product says that it could not record it; what nothing is said about is left so. */
async function reply(message: Message, body: string): Promise<Told> {
  for (let attempt = 1; ; attempt += 1) {
    const told = await replyOnce(message, body);
    if (told !== 'again') return told;
    if (attempt >= REPLIES_MAX) return { result: 'unknown' };
    await sleep(AGAIN_MS);
  }
}

async function replyOnce(message: Message, body: string): Promise<Told | 'again'> {
  const seen = new Set(message.texts().map(({ id }) => id));
  const order = { from: message.address, to: message.item['number'], text: body };
  const taken = sms.safeParse(await control(message, '/sms', order)).data?.problem === null;
  const until = Date.now() + (taken ? TOLD_MS : 0);
  while (Date.now() < until) {
    for (const { text: said } of message.texts().filter(({ id }) => !seen.has(id))) {
      const told = readTold(said, body);
      if (told) return told;
    }
    await sleep(200);
  }
  return { result: 'unknown' };
}

/** What a text says of the reply; null: nothing. */
function readTold(said: string, body: string): Told | 'again' | null {
  if (said.includes('could NOT record')) return 'again';
  const choices = Array.from(said.matchAll(/\d ([A-Z2-9]{6}) for ([^,]+)/g), (match) => {
    return { code: match[1] ?? '', about: match[2] ?? '' };
  });
  // What was asked for without a code may be answered late, or twice.
  if (choices.length > 0) return body.includes(' ') ? null : { result: 'refused', choices };
  if (/PD Lite: (?:Acknowledged|Resolved): /.test(said)) {
    // Of several some may have been over: which of them is not read.
    if (said.includes('already')) return { result: 'unknown' };
    const about = keysIn(said);
    // Several are told by their numbers alone.
    return { result: 'accepted', ...(about.length > 0 && { about }) };
  }
  return /Nothing is open|already|code is unknown/.test(said) ? { result: 'refused' } : null;
}

async function key(message: Message, digit: string): Promise<Answer> {
  const find = async () => (await since(message)).findLast(({ id }) => id === message.item.id);
  const before = (await find())?.spoken?.length ?? 1;
  await control(message, `/calls/${message.item.id}`, { do: 'press', keys: digit });
  const until = Date.now() + CALL_MS;
  while (Date.now() < until) {
    const now = await find();
    const said = now?.spoken?.slice(before).join(' ') ?? '';
    if (/could not|error/.test(said)) return 'unknown';
    if (/already|Nothing is open/.test(said)) return 'refused';
    if (/acknowledged|resolved|stored|recorded/i.test(said)) return 'accepted';
    if (now && now.status !== 'in-progress') return 'unknown';
    await sleep(100);
  }
  return 'unknown';
}

const sinceSchema = z.object({
  entries: z.array(
    z.object({
      item: z.object({
        id: z.string(),
        address: z.string(),
        status: z.unknown().optional(),
        spoken: z.array(z.string()).optional(),
      }),
    }),
  ),
});

/** What the person's phone has seen by the page's vendor since the page. */
async function since(message: Message) {
  const after = Math.max(0, message.seq - 1);
  const { entries } = sinceSchema.parse(await control(message, `/ledger?after=${after}`));
  return entries.map(({ item }) => item).filter(({ address }) => address === message.address);
}

async function control(message: Message, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(`${message.simulators}/control${path}`, {
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(LIMIT_MS + 5000),
  });
  return response.json();
}
