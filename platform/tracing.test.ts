// Property: spans reach an OTLP collector over HTTP, and one trace goes on through messages that carry a traceparent.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterEach, expect, test } from 'vitest';

import { parseTraceparent, startTracing, withSpan, type Tracing } from './tracing.ts';

interface Received {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly status: { readonly code?: number };
}

const GIVEN = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
let collector: Server | undefined;
let tracing: Tracing | undefined;
const spans: Received[] = [];

afterEach(async () => {
  await tracing?.shutdown();
  collector?.close();
  spans.length = 0;
});

async function startCollector(): Promise<string> {
  collector = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const message = JSON.parse(body) as {
        resourceSpans: { scopeSpans: { spans: Received[] }[] }[];
      };
      for (const { scopeSpans } of message.resourceSpans)
        for (const scope of scopeSpans) spans.push(...scope.spans);
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  }).listen(0, '127.0.0.1');
  await once(collector, 'listening');
  return `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
}

test('a trace goes on from the traceparent, and inner spans hang below outer ones', async () => {
  tracing = startTracing({ endpoint: await startCollector(), service: 'test' });
  await withSpan('outer', { traceparent: GIVEN, kind: 'consumer' }, (passedOn) =>
    withSpan('inner', { traceparent: GIVEN }, () => {
      expect(parseTraceparent(passedOn)?.traceId).toBe(parseTraceparent(GIVEN)?.traceId);
      return Promise.resolve();
    }),
  );
  await tracing.shutdown();
  const outer = spans.find(({ name }) => name === 'outer');
  const inner = spans.find(({ name }) => name === 'inner');
  expect(outer).toMatchObject({ parentSpanId: 'b7ad6b7169203331' });
  expect(inner).toMatchObject({ parentSpanId: outer?.spanId, traceId: outer?.traceId });
});

test('an error marks the span, without its text, and goes on', async () => {
  tracing = startTracing({ endpoint: await startCollector(), service: 'test' });
  const failing = withSpan('failing', { traceparent: null }, () =>
    Promise.reject(new TypeError('+15005550006 is wrong')),
  );
  await expect(failing).rejects.toThrow(TypeError);
  await tracing.shutdown();
  expect(spans[0]?.status).toMatchObject({ code: 2, message: 'TypeError' });
});

test('without a collector traceparents still flow; without tracing the given one is passed on', async () => {
  const passOn = (given: string | null) =>
    withSpan('x', { traceparent: given }, (traceparent) => Promise.resolve(traceparent));
  expect(await passOn(GIVEN)).toContain('0af7651916cd43dd8448eb211c80319c');
  tracing = startTracing({ endpoint: undefined, service: 'test' });
  expect(parseTraceparent(await passOn(null))).not.toBeNull();
  expect(await passOn('rubbish')).not.toBe('rubbish');
});
