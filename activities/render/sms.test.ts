import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { Delivery, Message, PageSummary } from '../../domain/responder/types.ts';
import { renderSms } from './sms.ts';
import { smsParts } from './sms-size.ts';

// A text message has two parts at most (three in other alphabets), says how to answer however long the rest
// is, and asks for a code only where a bare reply could be taken for another page.
const context = {
  ...{ publicUrl: 'https://pages.example.test', linkSecret: 'x'.repeat(32) },
  ...{ replyDomain: 'reply.test', nowMs: 0, sharedAddress: false },
};

function page(change: Partial<PageSummary> = {}): PageSummary {
  return {
    ...{ pageId: 'I1/1', incidentId: 'I1', incidentNumber: 282_643_047, urgency: 'high' },
    ...{ title: 'Disk full', serviceName: 'Storage', first: true },
    triggeredAt: '2026-11-23T12:00:00.000Z',
    ...change,
  };
}

function sms(message: Message, sharedAddress = false): string {
  const delivery: Delivery = {
    ...{ deliveryId: 'D', accountId: 'PA', userId: 'PU', contactMethodId: 'PC', channel: 'sms' },
    ...{ message, notAfter: '2026-11-23T13:00:00.000Z', traceparent: null },
  };
  return renderSms(delivery, '+15005550101', { ...context, sharedAddress }).text;
}

function pages(list: readonly PageSummary[], change: object = {}) {
  const openCount = list.length;
  const codeDemanded = openCount > 1;
  return { kind: 'page', pages: list, openCount, code: 'K7QM2P', codeDemanded, ...change } as const;
}

describe('the hint', () => {
  const bare = 'Reply 4: Ack, 6: Resolve';
  const coded = 'Reply 4 K7QM2P: Ack, 6 K7QM2P: Resolve';
  test.each([
    ['one open page', sms(pages([page()])), bare],
    ['two pages in it', sms(pages([page(), page()])), coded],
    ['one page in it and another open', sms(pages([page()], { openCount: 2 })), coded],
    ['an account that demands codes', sms(pages([page()], { codeDemanded: true })), coded],
    ['a number of several people', sms(pages([page()]), true), coded],
  ])('for %s', (_, text, hint) => {
    expect(text.endsWith(`. ${hint}`), text).toBe(true);
  });
});

test('counts parts as carriers do', () => {
  for (const [text, parts] of [
    ['a'.repeat(160), 1],
    ['a'.repeat(161), 2],
    ['a'.repeat(306), 2],
    ['a'.repeat(307), 3],
    ['€'.repeat(80), 1],
    ['€'.repeat(81), 2],
    ['ж'.repeat(70), 1],
    ['ж'.repeat(71), 2],
    ['😀'.repeat(35), 1],
    ['😀'.repeat(36), 2],
  ] as const)
    expect(smsParts(text), `${text.length} ${text.slice(0, 2)}`).toBe(parts);
});

test('whatever the senders write, it fits and can be answered', () => {
  const latin = fc.string({ maxLength: 400 });
  const any = fc.string({ unit: 'grapheme', maxLength: 400 });
  const summary = fc
    .record({ title: fc.oneof(latin, any), serviceName: fc.oneof(latin, any) })
    .map((change) => page(change));
  fc.assert(
    fc.property(fc.array(summary, { minLength: 1, maxLength: 30 }), (list) => {
      const text = sms(pages(list));
      expect(smsParts(text)).toBeLessThanOrEqual(3);
      expect(text).toMatch(/#282643047 .*Reply 4.*: Ack, 6.*: Resolve$/);
      expect(text.isWellFormed()).toBe(true);
      const answer = sms({ kind: 'reply_result', text: list.map(({ title }) => title).join() });
      expect(smsParts(answer)).toBeLessThanOrEqual(3);
    }),
  );
});

test('Latin letters take two parts at most', () => {
  const title = '{"reason": "[disk ~ full] | ^"} '.repeat(20);
  expect(smsParts(sms(pages([page({ title })])))).toBe(2);
  expect(smsParts(sms(pages(Array.from({ length: 40 }, () => page({ title })))))).toBe(2);
});
