import { pino, stdSerializers, stdTimeFunctions } from 'pino';

export type Logger = pino.Logger;

export interface LoggerOptions {
  /** Of the process: `api`, `worker`, `simulators`, `migrate`. */
  readonly name: string;
  readonly level: pino.LevelWithSilentOrString;
  /** Standard output when missing. */
  readonly destination?: pino.DestinationStream;
}

// Names that log lines use for what they are about, one a thing, so that a search finds it in all processes:
// accountId serviceId incidentId incidentNumber userId contactMethodId workflowId runId taskQueue activityType
// attempt deliveryId requestId traceId channel provider outcome action err

/** Fields whose values are never written, at the top of a line or up to two levels below. */
const SECRET_FIELDS: ReadonlySet<string> = new Set([
  ...['authorization', 'cookie', 'routing_key', 'routingKey', 'integrationKey', 'service_key'],
  ...['token', 'authToken', 'apiKey', 'api_key', 'password', 'secret', 'linkSecret', 'signature'],
  ...['address', 'phone', 'email', 'to', 'from', 'body', 'text', 'html', 'replyTo', 'script'],
]);
const LEVELS_LOOKED_AT = 3;
const HIDDEN = '[hidden]';

/** JSON lines with ISO time and level names; secrets and addresses are replaced by `[hidden]`. */
export function createLogger({ name, level, destination }: LoggerOptions): Logger {
  const options: pino.LoggerOptions = {
    level,
    base: { process: name, pid: process.pid },
    timestamp: stdTimeFunctions.isoTime,
    formatters: {
      level: (label) => ({ level: label }),
      // One walk over the line: pino's own redaction looks for each name at each place, a hundred microseconds.
      log: (fields) => withoutSecrets(fields, LEVELS_LOOKED_AT),
    },
    // For the fields of child loggers, which no formatter sees.
    redact: { paths: [...SECRET_FIELDS], censor: HIDDEN },
    serializers: {
      err: (error: Error) => withoutSecrets({ ...stdSerializers.err(error) }, LEVELS_LOOKED_AT - 1),
    },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/** The same object when it holds nothing to hide, else a copy. */
function withoutSecrets<T extends object>(value: T, levels: number): T {
  let copy: T | undefined;
  for (const [key, item] of Object.entries(value)) {
    const kept = SECRET_FIELDS.has(key) && item !== undefined ? HIDDEN : inside(item, levels - 1);
    if (kept === item) continue;
    copy ??= Array.isArray(value) ? (Array.from(value) as T) : { ...value };
    Reflect.set(copy, key, kept);
  }
  return copy ?? value;
}

/** Errors have a serializer of their own, and what becomes text hides what is in it by itself. */
function inside(item: unknown, levels: number): unknown {
  if (levels === 0 || typeof item !== 'object' || item === null) return item;
  if (item instanceof Error || 'toJSON' in item) return item;
  return withoutSecrets(item, levels);
}

type SdkLevel = 'TRACE' | 'DEBUG' | 'INFO' | 'WARN' | 'ERROR';
type Meta = Record<string | symbol, unknown>;
type SdkLine = (message: string, meta?: Meta) => void;

/** What the Temporal SDK wants of a logger. */
export interface TemporalLogger {
  log(level: SdkLevel, message: string, meta?: Meta): void;
  readonly trace: SdkLine;
  readonly debug: SdkLine;
  readonly info: SdkLine;
  readonly warn: SdkLine;
  readonly error: SdkLine;
}

const LEVELS = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
} as const;

/** What the SDK's worker says of its own life: our processes say when they run and when they have stopped. */
function isRoutine(level: SdkLevel, message: string, { sdkComponent }: Meta): boolean {
  if (sdkComponent !== 'worker') return false;
  // A queue that runs activities only has none, by intention.
  return level === 'INFO' || message.startsWith('No workflows registered');
}

/** Routes the Temporal SDK's lines into this log, under its own field names. */
export function temporalLogger(logger: Logger): TemporalLogger {
  const write = (level: SdkLevel, message: string, meta: Meta = {}): void => {
    const { error, namespace, ...named } = meta;
    // A token of 200 characters says nothing to people.
    const rest = Object.fromEntries(Object.entries(named).filter(([name]) => name !== 'taskToken'));
    const about = namespace === undefined ? rest : { ...rest, temporalNamespace: namespace };
    logger[isRoutine(level, message, meta) ? 'debug' : LEVELS[level]](
      error === undefined ? about : { ...about, err: error },
      message,
    );
  };
  const at =
    (level: SdkLevel): SdkLine =>
    (message, meta) =>
      write(level, message, meta);
  return {
    log: write,
    trace: at('TRACE'),
    debug: at('DEBUG'),
    info: at('INFO'),
    warn: at('WARN'),
    error: at('ERROR'),
  };
}
