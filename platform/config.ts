import { z } from 'zod';

/** Marks a variable in docs/configuration.md; a secret's value is never printed. */
const described = <T extends z.ZodType>(schema: T, description: string, secret = false) =>
  schema.meta({ description, secret });

const port = () => z.coerce.number().int().min(0).max(65535);
const timeoutMs = (byDefault: number) =>
  z.number().int().min(100).max(10_000).default(byDefault).describe('Milliseconds for one try.');
const common = { id: z.string().regex(/^[a-z0-9-]{1,40}$/) };

const twilioProvider = z.strictObject({
  ...common,
  kind: z.literal('twilio'),
  channels: z.array(z.enum(['sms', 'voice'])).min(1),
  baseUrl: z.url().default('https://api.twilio.com'),
  accountSid: z.string().regex(/^AC[0-9a-fA-F]{32}$/),
  authToken: z.string().min(1),
  from: z.string().min(1),
  timeoutMs: timeoutMs(5000),
});
const vonageProvider = z.strictObject({
  ...common,
  kind: z.literal('vonage'),
  channels: z.array(z.enum(['sms', 'voice'])).min(1),
  /** Messages, calls and reports. */
  apiUrl: z.url().default('https://api.nexmo.com'),
  /** The account's balance, by which its health is asked for. */
  restUrl: z.url().default('https://rest.nexmo.com'),
  apiKey: z.string().min(1),
  apiSecret: z.string().min(1),
  applicationId: z.string().min(1),
  /** The application's private key, PEM. */
  privateKey: z.string().min(1),
  /** Signs the webhooks; at least 16 characters. */
  signatureSecret: z.string().min(16),
  from: z.string().min(1),
  timeoutMs: timeoutMs(5000),
});
const smtpProvider = z.strictObject({
  ...common,
  kind: z.literal('smtp'),
  /** `smtp://user:password@host:port` or `smtps://…` */
  url: z.string().regex(/^smtps?:\/\//),
  from: z.string().min(3),
  timeoutMs: timeoutMs(5000),
});
const ntfyProvider = z.strictObject({
  ...common,
  kind: z.literal('ntfy'),
  baseUrl: z.url().default('https://ntfy.sh'),
  token: z.string().optional(),
  timeoutMs: timeoutMs(5000),
});
const webhookProvider = z.strictObject({
  ...common,
  kind: z.literal('webhook'),
  timeoutMs: timeoutMs(5000),
});
const providers = z
  .array(
    z.discriminatedUnion('kind', [
      twilioProvider,
      vonageProvider,
      smtpProvider,
      ntfyProvider,
      webhookProvider,
    ]),
  )
  .refine((list) => new Set(list.map((item) => item.id)).size === list.length, 'ids must differ');

const json = <T extends z.ZodType>(schema: T) =>
  z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text);
      } catch {
        context.addIssue({ code: 'custom', message: 'is not JSON' });
        return z.NEVER;
      }
    })
    .pipe(schema);

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean),
);

/** Every variable that any process reads; docs/configuration.md is generated from it. */
export const configSchema = z.object({
  DATA_DIR: described(
    z.string().default('.data'),
    'Folder of what is kept on this machine (the directory’s copy, the embedded stack’s data), from the project’s folder.',
  ),
  DIRECTORY_COPY_MAX_AGE_HOURS: described(
    z.coerce.number().min(0).max(8760).default(24),
    'A process that starts without PostgreSQL takes the configuration from the copy in `DATA_DIR` that is no older; 0 keeps no copy.',
  ),
  EMBEDDED_POSTGRES_PORT: described(port().default(5439), '`npm start`: port of PostgreSQL.'),
  EMBEDDED_TEMPORAL_PORT: described(port().default(7233), '`npm start`: port of Temporal.'),
  EMBEDDED_TEMPORAL_UI_PORT: described(port().default(8233), '`npm start`: port of Temporal UI.'),
  SUPERUSER_DATABASE_URL: described(
    z.string().optional(),
    'PostgreSQL as a superuser; with it `migrate` first creates the database and its roles.',
    true,
  ),
  LOG_LEVEL: described(
    z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'silent']).default('info'),
    'Least important level that is logged.',
  ),
  API_HOST: described(z.string().default('127.0.0.1'), 'Address on which the api listens.'),
  API_PORT: described(port().default(8080), 'Port of the api.'),
  PUBLIC_URL: described(
    z.url().default('http://127.0.0.1:8080'),
    'URL under which the world reaches the api: in links, and to check the signatures of callbacks. Never taken from a request.',
  ),
  TRUST_PROXY: described(
    list.default([]),
    'Addresses or CIDR ranges of reverse proxies, comma-separated.',
  ),
  METRICS_HOST: described(z.string().default('127.0.0.1'), 'Address on which metrics are served.'),
  API_METRICS_PORT: described(port().default(9464), 'Port of the api’s metrics.'),
  WORKER_METRICS_PORT: described(port().default(9465), 'Port of the worker’s metrics and health.'),
  INTAKE_MAX_IN_FLIGHT: described(
    z.coerce.number().int().min(1).max(1000).default(8),
    'Calls of one process to Temporal in flight for intake; what comes beyond them waits in the spill.',
  ),
  DATABASE_URL: described(
    z.string().default('postgres://pdlite_app:pdlite@127.0.0.1:5439/pdlite'),
    'PostgreSQL as the application role (row-level security applies).',
    true,
  ),
  DIRECTORY_DATABASE_URL: described(
    z.string().default('postgres://pdlite_directory:pdlite@127.0.0.1:5439/pdlite'),
    'PostgreSQL as the role that reads the configuration of all accounts.',
    true,
  ),
  AUDIT_KEY_FILE: described(
    z.string().optional(),
    'PEM file of the Ed25519 key that signs the audit log; with it and AUDIT_HEADS_FILE this process signs. Best on one host that is neither the database’s nor the application’s: `pdlite audit-sign`.',
  ),
  AUDIT_PUBLIC_KEY_FILE: described(
    z.string().optional(),
    'PEM file of the public keys with which `pdlite audit verify` checks; unset: the public half of AUDIT_KEY_FILE.',
  ),
  AUDIT_HEADS_FILE: described(
    z.string().optional(),
    'File to which signed heads of the audit log are appended, one JSON line each.',
  ),
  AUDIT_HEADS_URL: described(
    z
      .string()
      .regex(/^(https?:\/\/|mailto:.+@)/, 'must begin with https://, http:// or mailto:')
      .optional(),
    'Second place of the signed heads: an address to which the lines are posted, or `mailto:`, which gets a mail every 15 minutes at most.',
  ),
  INTAKE_DATABASE_URL: described(
    z.string().default('postgres://pdlite_intake:pdlite@127.0.0.1:5439/pdlite'),
    'PostgreSQL as the role that writes and drains the spill of accepted events, over all accounts.',
    true,
  ),
  SPILL_MAX_ROWS: described(
    z.coerce.number().int().min(1).max(10_000_000).default(500_000),
    'Events that wait in the spill; about there senders are told to come back.',
  ),
  SPILL_MAX_MB: described(
    z.coerce.number().int().min(1).max(1_000_000).default(1024),
    'Megabytes of events that wait in the spill; about there senders are told to come back.',
  ),
  MIGRATION_DATABASE_URL: described(
    z.string().default('postgres://pdlite_owner:pdlite@127.0.0.1:5439/pdlite'),
    'PostgreSQL as the owner of the tables; only `migrate` uses it.',
    true,
  ),
  DATABASE_POOL_MAX: described(
    z.coerce.number().int().min(1).max(100).default(8),
    'Connections of one process.',
  ),
  TEMPORAL_ADDRESS: described(
    z.string().default('127.0.0.1:7233'),
    'Temporal frontend, `host:port`.',
  ),
  TEMPORAL_EXECUTABLE: described(
    z.string().optional(),
    'Path of a `temporal` CLI for the embedded server; unset: PATH, then a download.',
  ),
  TEMPORAL_NAMESPACE: described(z.string().default('default'), 'Temporal namespace.'),
  TEMPORAL_API_KEY: described(
    z.string().optional(),
    'API key for Temporal Cloud; switches TLS on.',
    true,
  ),
  TEMPORAL_TLS: described(z.stringbool().default(false), 'Whether to speak TLS to Temporal.'),
  TEMPORAL_UI_URL: described(z.url().default('http://127.0.0.1:8233'), 'Temporal UI, for links.'),
  WORKER_MAX_CACHED_WORKFLOWS: described(
    z.coerce.number().int().min(10).max(20_000).default(1000),
    'Workflows kept in a worker’s memory, about 0.3 MB each.',
  ),
  PROVIDERS: described(
    json(providers).default([]),
    'JSON list of providers, in the order in which they are tried; see docs/adding-a-provider.md.',
    true,
  ),
  SECOND_PROVIDER_SHARE_PERCENT: described(
    z.coerce.number().min(0).max(100).default(1),
    'Percent of the messages of a channel that go to another than its first provider first, so that it is known to work.',
  ),
  LINK_SECRET: described(
    z.string().min(32).default('insecure-development-link-secret-0123456789'),
    'Key that signs links, reply addresses and voice tokens; at least 32 characters.',
    true,
  ),
  INBOUND_SMTP_HOST: described(
    z.string().default('127.0.0.1'),
    'Address on which replies by e-mail are received.',
  ),
  INBOUND_SMTP_PORT: described(
    port().default(2525),
    'Port on which replies by e-mail are received.',
  ),
  REPLY_DOMAIN: described(
    z.string().default('reply.pdlite.localhost'),
    'Domain of the signed reply addresses.',
  ),
  WEBHOOK_ALLOWED_HOSTS: described(
    list.default([]),
    'Hosts (host or host:port) that outgoing webhooks may reach although they are private or not https.',
  ),
  SNS_ENDPOINT: described(
    z.url().optional(),
    'Where certificates of Amazon SNS are fetched and subscriptions confirmed; unset: `https://sns.{region}.amazonaws.com` of the topic.',
  ),
  WATCHDOG_PORT: described(port().default(9466), 'Port of the watchdog’s metrics and health.'),
  WATCHDOG_API_URLS: described(
    list.prefault('http://127.0.0.1:8080'),
    'URLs of every api process that the watchdog looks at; the first also takes the canary.',
  ),
  WATCHDOG_WORKER_URLS: described(
    list.prefault('http://127.0.0.1:9465'),
    'URLs of every worker’s metrics port that the watchdog looks at.',
  ),
  WATCHDOG_PEERS: described(
    list.default([]),
    'URLs of other watchdogs (their WATCHDOG_PORT) that this one looks at.',
  ),
  WATCHDOG_PROVIDERS: described(
    json(providers).default([]),
    'JSON list of the watchdog’s own providers, best accounts that nothing else uses; empty: PROVIDERS.',
    true,
  ),
  WATCHDOG_CONTACTS_FILE: described(
    z.string().optional(),
    'File with the sealed list of whom the watchdog tells; `npx pdlite watchdog-seal` makes it.',
  ),
  WATCHDOG_CONTACTS_KEY: described(
    z.string().min(32).optional(),
    'Key that seals the contact list; at least 32 characters.',
    true,
  ),
  WATCHDOG_CANARY_KEY: described(
    z.string().length(32).optional(),
    'Integration key of the canary’s service; unset: no canary.',
    true,
  ),
  WATCHDOG_CANARY_INTERVAL_SEC: described(
    z.coerce.number().int().min(5).max(3600).default(60),
    'Seconds between two canaries.',
  ),
  WATCHDOG_CANARY_PORT: described(
    port().default(9467),
    'Port on which the watchdog receives the canary’s page by webhook.',
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: described(
    z.url().optional(),
    'OTLP/HTTP collector; unset: no traces are exported.',
  ),
  SIMULATORS_HOST: described(
    z.string().default('127.0.0.1'),
    'Address on which the simulators listen.',
  ),
  SIMULATORS_PORT: described(
    port().default(8090),
    'Port of the simulators’ page and of the simulated Twilio (/twilio), Vonage (/vonage) and ntfy (/ntfy).',
  ),
  SIMULATORS_SMTP_PORT: described(port().default(1025), 'Port of the simulated mailbox.'),
  SIMULATORS_SMTP_2_PORT: described(
    port().default(1026),
    'Port of the second mail relay to the simulated mailbox.',
  ),
  SIMULATORS_TWILIO_SID: described(
    z.string().default('AC00000000000000000000000000000001'),
    'Account SID that the simulated Twilio accepts.',
  ),
  SIMULATORS_TWILIO_TOKEN: described(
    z.string().default('simulated-twilio-token'),
    'Auth token that the simulated Twilio accepts and signs with.',
    true,
  ),
  SIMULATORS_VONAGE_API_KEY: described(
    z.string().default('simkey01'),
    'API key that the simulated Vonage accepts.',
  ),
  SIMULATORS_VONAGE_API_SECRET: described(
    z.string().default('simulated-vonage-secret'),
    'API secret that the simulated Vonage accepts.',
    true,
  ),
  SIMULATORS_VONAGE_APPLICATION_ID: described(
    z.string().default('00000000-0000-0000-0000-000000000001'),
    'Application that the simulated Vonage knows.',
  ),
  SIMULATORS_VONAGE_PUBLIC_KEY: described(
    z.string().optional(),
    'PEM of the key with which the simulated Vonage checks the application’s tokens; unset: it takes every token of the application.',
  ),
  SIMULATORS_VONAGE_SIGNATURE_SECRET: described(
    z.string().default('simulated-vonage-signature-secret'),
    'Secret that the simulated Vonage signs webhooks with.',
    true,
  ),
  SIMULATORS_VONAGE_SMS_URL: described(
    z.url().default('http://127.0.0.1:8080/inbound/vonage/sms'),
    'Where the simulated Vonage posts the text messages that a phone sends.',
  ),
  SIMULATORS_REPLY_SMTP: described(
    z.string().default('smtp://127.0.0.1:2525'),
    'Where the simulated mailbox sends replies.',
  ),
  SIMULATORS_SMS_URL: described(
    z.url().default('http://127.0.0.1:8080/inbound/twilio/sms'),
    'Where the simulated Twilio posts the text messages that a phone sends.',
  ),
  SIMULATORS_LEDGER_FILE: described(
    z.string().optional(),
    'File of JSON lines to which the simulators append everything that they receive and do; unset: only memory, 5,000 items.',
  ),
  SIMULATORS_PEOPLE: described(
    json(
      z.array(z.strictObject({ name: z.string(), addresses: z.array(z.string()).max(20) })),
    ).default([]),
    'JSON list `[{"name": …, "addresses": […]}]`: whose phone, mailbox and push topic belong together on the simulators’ page.',
  ),
});

export type Config = Readonly<z.infer<typeof configSchema>>;
export type ProviderConfig = Config['PROVIDERS'][number];

/** All that is wrong with the environment, one line a variable. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * Reads and checks the environment once. Unset and empty mean the default.
 * @throws ConfigError that names every wrong variable.
 */
export function loadConfig(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Config {
  const given = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  );
  const result = configSchema.safeParse(given);
  if (result.success) {
    refuseKnownSecret(result.data);
    return Object.freeze(result.data);
  }
  const lines = result.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
  throw new ConfigError(`The configuration has ${lines.length} error(s):\n${lines.join('\n')}`);
}

/** The environment that this process was started with, for the processes that it starts. */
export function inheritedEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    ),
  );
}

/** Links signed with a key that everybody can read are links that everybody can make. */
function refuseKnownSecret(config: Config): void {
  const local = ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(config.PUBLIC_URL).hostname);
  if (local || !config.LINK_SECRET.startsWith('insecure-development')) return;
  throw new ConfigError(
    'LINK_SECRET must be set where PUBLIC_URL is not this machine: openssl rand -hex 32 makes one.',
  );
}
