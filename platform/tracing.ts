import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  context,
  isSpanContextValid,
  trace,
  type Context,
  type Span,
  type SpanContext,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { ATTR_SERVICE_NAME } from '@opentelemetry/semantic-conventions';

const EXPORT_EVERY_MS = 1000;
const MAX_QUEUED_SPANS = 2048;
const EXPORT_TIMEOUT_MS = 5000;

export interface TracingOptions {
  /** Base URL of an OTLP/HTTP collector; unset: spans are made, so that traces go on, but not exported. */
  readonly endpoint: string | undefined;
  /** Of the process, for example `pdlite-worker`. */
  readonly service: string;
}

export interface Tracing {
  /** Exports what is queued, at most 5 s. */
  shutdown(): Promise<void>;
}

/** Makes this process's tracer the global one. Spans beyond 2,048 waiting are dropped, never waited for. */
export function startTracing({ endpoint, service }: TracingOptions): Tracing {
  const spanProcessors =
    endpoint === undefined
      ? []
      : [
          new BatchSpanProcessor(
            new OTLPTraceExporter({
              url: `${endpoint.replace(/\/$/, '')}/v1/traces`,
              timeoutMillis: EXPORT_TIMEOUT_MS,
            }),
            { scheduledDelayMillis: EXPORT_EVERY_MS, maxQueueSize: MAX_QUEUED_SPANS },
          ),
        ];
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ [ATTR_SERVICE_NAME]: service }),
    spanProcessors,
  });
  provider.register();
  return {
    shutdown: async () => {
      // A collector that is away must not turn an ordered stop into a failure.
      await provider.shutdown().catch(() => undefined);
      trace.disable();
      context.disable();
    },
  };
}

export interface SpanOptions {
  /** W3C `traceparent` of what caused this; null: a new trace, or a child of the span that is active here. */
  readonly traceparent: string | null;
  readonly attributes?: Readonly<Record<string, string | number | boolean>>;
  /** `internal` when missing. */
  readonly kind?: 'server' | 'client' | 'consumer' | 'producer' | 'internal';
}

const KINDS = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  consumer: SpanKind.CONSUMER,
  producer: SpanKind.PRODUCER,
  internal: SpanKind.INTERNAL,
} as const;

/**
 * Runs `body` in a span that continues the trace of `traceparent`. `body` gets the `traceparent` to pass on:
 * its own, or the given one while tracing is not started. An error marks the span and goes on.
 */
export async function withSpan<T>(
  name: string,
  options: SpanOptions,
  body: (traceparent: string | null, span: Span) => Promise<T>,
): Promise<T> {
  const { traceparent, attributes = {}, kind = 'internal' } = options;
  const parent = parentContext(traceparent);
  const tracer = trace.getTracer('pdlite');
  const span = tracer.startSpan(name, { attributes: { ...attributes }, kind: KINDS[kind] }, parent);
  const own = formatTraceparent(span.spanContext()) ?? traceparent;
  try {
    return await context.with(trace.setSpan(parent, span), () => body(own, span));
  } catch (error) {
    // Only the name: messages may quote what people wrote.
    const message = error instanceof Error ? error.name : 'unknown';
    span.setStatus({ code: SpanStatusCode.ERROR, message });
    throw error;
  } finally {
    span.end();
  }
}

/** The active span is nearer than the message that caused it, as long as both belong to one trace. */
function parentContext(traceparent: string | null): Context {
  const active = trace.getSpanContext(context.active());
  const remote = parseTraceparent(traceparent);
  if (remote === null || active?.traceId === remote.traceId) return context.active();
  return trace.setSpanContext(ROOT_CONTEXT, remote);
}

/** Null for what is not a W3C traceparent of version 00. */
export function parseTraceparent(text: string | null | undefined): SpanContext | null {
  const match = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(text ?? '');
  if (match === null) return null;
  const [, traceId = '', spanId = '', flags = '00'] = match;
  const parsed = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return isSpanContextValid(parsed) ? parsed : null;
}

/** Null for a span that belongs to no trace. */
export function formatTraceparent(span: SpanContext): string | null {
  if (!isSpanContextValid(span)) return null;
  return `00-${span.traceId}-${span.spanId}-${span.traceFlags.toString(16).padStart(2, '0')}`;
}
