import { z } from 'zod';

import type { ReceivedRecord } from './records.ts';

/** The simulators' items that are messages to people; whatever else they tell is left out. */
const itemSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('sms'), direction: z.enum(['in', 'out']), text: z.string() }),
  z.object({ type: z.literal('call'), spoken: z.array(z.string()) }),
  z.object({
    type: z.literal('push'),
    title: z.string(),
    text: z.string(),
    actions: z.array(z.unknown()),
  }),
  z.object({
    type: z.literal('mail'),
    direction: z.enum(['in', 'out']),
    subject: z.string(),
    text: z.string(),
  }),
]);
const entrySchema = z.object({
  seq: z.number(),
  item: z.looseObject({ type: z.string(), id: z.string(), at: z.string(), address: z.string() }),
});

type Item = z.infer<typeof itemSchema>;

/** What a title must hold so that ledgers can tell which alert a message is about. */
const KEY = /\bx\d{6}\b/g;
/** With the number of its incident before it. */
const NUMBERED_KEY = /#(\d+) (x\d{6})\b/g;

/** The key of alert number `n`, below a million. */
export function keyOfAlert(n: number): string {
  return `x${String(n).padStart(6, '0')}`;
}

/**
 * The pages in one simulator's ledger, as it stood in the end: answers to replies and what is no message are
 * left out.
 */
export function readReceived(
  vendor: string,
  entries: readonly unknown[],
): readonly ReceivedRecord[] {
  const items = new Map<string, z.infer<typeof entrySchema>['item']>();
  for (const entry of entries) {
    const { item } = entrySchema.parse(entry);
    items.set(item.id, item);
  }
  return [...items.values()].flatMap((raw) => {
    const item = itemSchema.safeParse(raw).data;
    const read = item && readItem(item);
    if (!read) return [];
    const { id, at, address } = raw;
    return [{ id, provider: vendor, address, at: Date.parse(at), ...read }];
  });
}

type About = Pick<ReceivedRecord, 'keys' | 'numbers' | 'unnamed'>;

/** Null: it is no page. */
function readItem(item: Item): (About & Pick<ReceivedRecord, 'channel'>) | null {
  switch (item.type) {
    case 'sms':
      if (item.direction === 'out' || !item.text.includes('Reply 4')) return null;
      return { channel: 'sms', ...readText(item.text) };
    case 'push':
      if (item.actions.length === 0) return null;
      return { channel: 'push', ...readText(`${item.title}\n${item.text}`) };
    case 'mail':
      if (item.direction === 'out' || !item.text.includes('Acknowledge: ')) return null;
      return { channel: 'email', ...readText(`${item.subject}\n${item.text}`) };
    case 'call':
      return { channel: 'voice', ...readText(item.spoken.join(' ')) };
  }
}

/** The alerts that a text names. */
export function keysIn(text: string): readonly string[] {
  return [...new Set(text.match(KEY) ?? [])];
}

/** Which alerts a text is about: those that it names, and how many more there are by its own count. */
function readText(text: string): About {
  const keys = keysIn(text);
  const numbered = text.matchAll(NUMBERED_KEY);
  const numbers = Object.fromEntries(
    [...numbered].map(([, number = '', key = '']) => [key, number]),
  );
  const counted = /(\d+) new, \d+ open/.exec(text) ?? /\b(\d+) open/.exec(text);
  const about = counted ? Number(counted[1]) : 1;
  return { keys, numbers, unnamed: Math.max(0, about - keys.length) };
}
