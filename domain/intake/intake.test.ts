import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { normaliseAlertmanager } from './alertmanager.ts';
import { normaliseEventsV1 } from './events-v1.ts';
import { normaliseChange, normaliseEventsV2, routingKeyError } from './events-v2.ts';
import { isoTimestamp, readDedupKey, safeUrl, shortKey } from './fields.ts';
import { CUT_MARK, fitEvent, jsonBytes } from './fit.ts';
import { normaliseGeneric, resolvePointer } from './generic.ts';
import { MAX_DEDUP_KEY, MAX_EVENT_BYTES, MAX_SUMMARY } from './limits.ts';
import { Problems } from './problems.ts';
import type { Normalised } from './types.ts';

// Every body is either refused with errors in its sender's words or becomes events that are whole, bounded
// and storable; lenient pages whatever strict would refuse, as long as there is something to page about.
const payload = { summary: 'disk full', source: 'db1', severity: 'critical' };
const trigger = { event_action: 'trigger', payload };
const errorsOf = (result: Normalised) => (result.ok ? [] : result.errors);
const eventOf = (result: Normalised) => {
  if (!result.ok || !result.events[0]) throw new Error('refused');
  return result.events[0];
};

describe('Events API v2', () => {
  it.each([
    [{}, "'event_action' is missing or blank"],
    [{ ...trigger, event_action: 'explode' }, /^'event_action' is invalid/],
    [{ ...trigger, event_action: 5 }, /^'event_action' is invalid/],
    [{ event_action: 'trigger' }, "'payload' is missing or blank"],
    [{ event_action: 'trigger', payload: 'text' }, "'payload' is invalid (must be an object)"],
    [
      { ...trigger, payload: { ...payload, summary: ' ' } },
      "'payload.summary' is missing or blank",
    ],
    [{ ...trigger, payload: { ...payload, summary: 5 } }, /^'payload.summary' is invalid/],
    [{ ...trigger, payload: { ...payload, source: null } }, "'payload.source' is missing or blank"],
    [
      { ...trigger, payload: { ...payload, severity: '' } },
      "'payload.severity' is missing or blank",
    ],
    [{ ...trigger, payload: { ...payload, severity: 'page' } }, /^'payload.severity' is invalid/],
    [
      { ...trigger, payload: { ...payload, summary: 'x'.repeat(1025) } },
      "'summary' is too long (maiximum is 1024 characters)",
    ],
    [{ ...trigger, payload: { ...payload, timestamp: 'noon' } }, /^'payload.timestamp' is invalid/],
    [{ ...trigger, dedup_key: 'x'.repeat(256) }, /^'dedup_key' is too long/],
    [{ ...trigger, dedup_key: {} }, /^'dedup_key' is invalid/],
    [{ ...trigger, links: 'x' }, /^'links' is invalid/],
    [{ ...trigger, images: [{}] }, "'images[0].src' is missing or blank"],
    [{ event_action: 'resolve' }, "'dedup_key' is missing or blank"],
  ])('strict refuses %j', (body, error) => {
    const matching = typeof error === 'string' ? [error] : [expect.stringMatching(error)];
    expect(errorsOf(normaliseEventsV2(body, false))).toEqual(expect.arrayContaining(matching));
  });

  it('counts characters, not UTF-16 units', () => {
    const summary = '🔥'.repeat(MAX_SUMMARY);
    const result = normaliseEventsV2({ ...trigger, payload: { ...payload, summary } }, false);
    expect(eventOf(result).payload?.summary).toBe(summary);
  });

  it('lenient pages what strict refuses, and says what it mended', () => {
    const body = {
      event_action: 'trigger',
      payload: { summary: 'x'.repeat(2000), severity: 'page', timestamp: 'noon' },
    };
    const result = normaliseEventsV2(body, true);
    expect(result.ok && result.warnings).toHaveLength(4);
    expect(eventOf(result).payload).toMatchObject({
      summary: 'x'.repeat(1024),
      severity: 'critical',
      source: 'unknown',
      timestamp: null,
    });
  });

  it('takes a payload on resolve, unknown keys, and details of any kind', () => {
    const resolve = { ...trigger, event_action: 'resolve', dedup_key: 'k', colour: 'red' };
    expect(eventOf(normaliseEventsV2(resolve, false))).toMatchObject({
      dedupKey: 'k',
      payload: null,
    });
    const text = { ...trigger, payload: { ...payload, custom_details: 'text' } };
    expect(eventOf(normaliseEventsV2(text, false)).payload?.customDetails).toBe('text');
  });

  it('names what is wrong with a routing key', () => {
    expect(routingKeyError('a'.repeat(32))).toBeNull();
    expect(routingKeyError('short')).toBe(
      "Length of 'routing_key' is incorrect (should be 32 characters)",
    );
    expect(routingKeyError(undefined)).toBe("'routing_key' is missing or blank");
    expect(routingKeyError(['a'])).toMatch(/routing_key/);
  });

  it('takes a change event with a summary alone', () => {
    expect(normaliseChange({ payload: { summary: 'deployed' } }, false).ok).toBe(true);
    expect(normaliseChange({ payload: {} }, false)).toEqual({
      ok: false,
      errors: ["'payload.summary' is missing or blank"],
    });
    expect(normaliseChange({}, true).ok).toBe(false);
  });
});

describe('Events API v1', () => {
  it('tells links from images in its contexts', () => {
    const contexts = [
      { type: 'link', href: 'http://a.example' },
      { type: 'image', src: 'https://b.example/i.png' },
    ];
    const event = eventOf(
      normaliseEventsV1({ event_type: 'trigger', description: 'd', contexts }, false),
    );
    expect(event.links).toEqual([{ href: 'http://a.example' }]);
    expect(event.images).toEqual([{ src: 'https://b.example/i.png' }]);
    expect(event.payload?.severity).toBe('critical');
  });

  it('refuses a trigger without description and a resolve without key', () => {
    expect(errorsOf(normaliseEventsV1({ event_type: 'trigger' }, false))).toHaveLength(1);
    expect(errorsOf(normaliseEventsV1({ event_type: 'resolve' }, true))).toEqual([
      'Incident key is missing or blank',
    ]);
  });
});

describe('Alertmanager', () => {
  const alert = {
    status: 'firing',
    labels: { alertname: 'Disk', instance: 'db1', severity: 'warning' },
    annotations: { summary: 'full', runbook_url: 'https://r.example' },
    startsAt: '2026-11-23T10:00:00.123456789Z',
    fingerprint: 'f1',
  };

  it('makes one event of each alert, known by its fingerprint', () => {
    const body = {
      version: '4',
      alerts: [alert, { ...alert, status: 'resolved', fingerprint: 'f2' }],
    };
    const result = normaliseAlertmanager(body, false);
    expect(result.ok && result.events.map((event) => [event.action, event.dedupKey])).toEqual([
      ['trigger', 'f1'],
      ['resolve', 'f2'],
    ]);
    expect(eventOf(result)).toMatchObject({
      payload: { summary: 'Disk: full', source: 'db1', severity: 'warning', class: 'Disk' },
      links: [{ href: 'https://r.example', text: 'Runbook' }],
    });
  });

  it('pages an unknown severity as an error, and knows an alert without fingerprint by its labels', () => {
    const odd = {
      ...alert,
      fingerprint: undefined,
      labels: { b: '1', a: '2', severity: 'purple' },
    };
    const swapped = { ...odd, labels: { severity: 'purple', a: '2', b: '1' } };
    const [one, two] = [odd, swapped].map((item) =>
      eventOf(normaliseAlertmanager({ alerts: [item] }, false)),
    );
    expect(one?.payload?.severity).toBe('error');
    expect(one?.dedupKey).toBe(two?.dedupKey);
  });

  it('refuses what has no alerts, or too many', () => {
    expect(normaliseAlertmanager({}, true).ok).toBe(false);
    expect(normaliseAlertmanager({ alerts: Array(1001).fill(alert) }, true).ok).toBe(false);
    expect(normaliseAlertmanager({ alerts: ['x'] }, false).ok).toBe(false);
  });
});

describe('generic JSON', () => {
  it('reads where the mapping points', () => {
    const body = { a: { 'b/c': 'it burns' }, tags: ['x', 'P2'], state: 'RECOVERED', id: 7 };
    const mapping = {
      summary: '/a/b~1c',
      severity: '/tags/1',
      dedupKey: '/id',
      action: '/state',
      resolveValues: ['recovered'],
    };
    expect(eventOf(normaliseGeneric(body, mapping, false))).toMatchObject({
      action: 'resolve',
      dedupKey: '7',
    });
    expect(
      eventOf(normaliseGeneric({ ...body, state: 'x' }, mapping, false)).payload,
    ).toMatchObject({
      summary: 'it burns',
      severity: 'error',
    });
  });

  it('never follows a pointer out of the document', () => {
    for (const pointer of ['/__proto__', '/constructor/name', '/a/length', 'a', '/x/y/z']) {
      expect(resolvePointer({ a: 'text' }, pointer)).toBeUndefined();
    }
  });
});

describe('any body', () => {
  const readers: readonly ((body: Record<string, unknown>, lenient: boolean) => Normalised)[] = [
    normaliseEventsV2,
    normaliseEventsV1,
    normaliseAlertmanager,
    (body, lenient) => normaliseGeneric(body, null, lenient),
  ];
  const key = fc.constantFrom(
    ...['event_action', 'event_type', 'payload', 'dedup_key', 'links', 'images', 'contexts'],
    ...['alerts', 'labels', 'annotations', 'summary', 'description', 'severity', 'client_url', 'x'],
  );
  const json = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom('trigger', 'resolve', 'firing', 'critical', null, true, 0, ''),
      fc.string({ unit: 'binary' }),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(key, tie('value'), { maxKeys: 6 }),
    ),
  })).value;

  it('never throws, and what is taken is bounded', () => {
    fc.assert(
      fc.property(fc.dictionary(key, json), fc.boolean(), (body, lenient) => {
        for (const read of readers) {
          const result = read(body, lenient);
          if (!result.ok) expect(result.errors.length).toBeGreaterThan(0);
          for (const event of result.ok ? result.events : []) {
            expect(jsonBytes(event)).toBeLessThanOrEqual(MAX_EVENT_BYTES);
            expect(Array.from(event.dedupKey ?? '').length).toBeLessThanOrEqual(MAX_DEDUP_KEY);
            expect(event.action === 'trigger').toBe(event.payload !== null);
            expect(event.action !== 'trigger' && event.dedupKey === null).toBe(false);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('fields', () => {
  it.each([
    ['2015-07-17T08:42:58.315+0000', '2015-07-17T08:42:58.315Z'],
    ['2015-07-17T08:42:58.123456789Z', '2015-07-17T08:42:58.123Z'],
    ['2015-07-17T10:42:58+02:00', '2015-07-17T08:42:58.000Z'],
    ['2015-07-17 08:42:58', '2015-07-17T08:42:58.000Z'],
    ['2015-07-17', '2015-07-17T00:00:00.000Z'],
    ['2015-13-17T00:00:00Z', null],
    ['yesterday', null],
  ])('reads the timestamp %s', (text, iso) => {
    expect(isoTimestamp(text)).toBe(iso);
  });

  it('shows no link that runs code', () => {
    for (const url of [
      'javascript:alert(1)',
      'data:text/html,x',
      ' http://a b',
      'ftp://x',
      '//x',
      5,
    ]) {
      expect(safeUrl(url), String(url)).toBeNull();
    }
    expect(safeUrl('https://a.example/?q=ü')).toBe('https://a.example/?q=ü');
  });

  it('shortens long keys the same way each time, and tells them apart', () => {
    const long = 'k'.repeat(300);
    expect(shortKey(`${long}1`)).toBe(shortKey(`${long}1`));
    expect(shortKey(`${long}1`)).not.toBe(shortKey(`${long}2`));
    expect(readDedupKey('  k ', 'k', new Problems())).toBe('k');
  });

  it('cuts details that are too large and marks them, so that the event fits', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.constant('ü'.repeat(150_000)))),
        (details) => {
          const customDetails = { ...details, large: '🔥'.repeat(100_000) };
          const full = { ...trigger, payload: { ...payload, custom_details: customDetails } };
          const event = eventOf(normaliseEventsV2(full, false));
          expect(jsonBytes(event)).toBeLessThanOrEqual(MAX_EVENT_BYTES);
          expect(event.payload?.customDetails).toHaveProperty(CUT_MARK);
        },
      ),
      { numRuns: 20 },
    );
  });

  it('counts bytes as UTF-8 does', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(jsonBytes(text)).toBe(Buffer.byteLength(JSON.stringify(text)));
      }),
    );
    const event = eventOf(normaliseEventsV2(trigger, false));
    expect(fitEvent(event)).toBe(event);
  });
});
