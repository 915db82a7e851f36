import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { ensureSigningKey } from '../audit-key.ts';
import { inheritedEnvironment, loadConfig, type Config } from '../config.ts';
import { dataFolder } from '../data-folder.ts';
import { hashKey } from '../ids.ts';
import { seal, SEALED } from '../seal.ts';
import { isPortFree } from './process.ts';

/** Something that whoever started the product can mend; the message says how. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

export interface Settings {
  /** Folder of the project. */
  readonly root: string;
  /** Folder of all data, ignored by git. */
  readonly dataDir: string;
  /** The whole environment that the processes are started with. */
  readonly environment: Readonly<Record<string, string>>;
  readonly config: Config;
  readonly postgresPort: number;
  readonly temporalPort: number;
  readonly temporalUiPort: number;
  /** Superuser of the embedded PostgreSQL, known to the migration process only. */
  readonly postgresPassword: string;
}

interface Secrets {
  readonly linkSecret: string;
  readonly postgresPassword: string;
  readonly rolePassword: string;
}

const VONAGE_KEY = 'simulated-vonage-key.pem';

/**
 * Settings of the embedded stack: the environment, completed with secrets that are made on the first run
 * and kept in the data folder.
 * @throws StartError when the data folder cannot be used.
 */
export async function readSettings(
  inherited: Readonly<Record<string, string>> = inheritedEnvironment(),
): Promise<Settings> {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const given = loadConfig(inherited);
  const dataDir = path.resolve(root, given.DATA_DIR);
  const secrets = await openDataFolder(dataDir);
  const vonage = await openKeyPair(path.join(dataDir, VONAGE_KEY));
  const environment = {
    ...inherited,
    ...embeddedEnvironment(given, secrets, vonage),
    ...(await watchdogEnvironment(given, dataDir, secrets)),
    ...onlyGiven(inherited, 'WATCHDOG_CANARY_INTERVAL_SEC'),
  };
  const config = loadConfig(environment);
  if (given.AUDIT_KEY_FILE === undefined) {
    await ensureSigningKey(dataFolder(given, 'audit', 'key.pem'));
  }
  return {
    root,
    dataDir,
    environment,
    config,
    postgresPort: given.EMBEDDED_POSTGRES_PORT,
    temporalPort: given.EMBEDDED_TEMPORAL_PORT,
    temporalUiPort: given.EMBEDDED_TEMPORAL_UI_PORT,
    postgresPassword: secrets.postgresPassword,
  };
}

/**
 * The configuration of a command that is run beside the embedded stack, which is found by its data folder; where
 * there is none, or the environment names a database, the environment's.
 */
export async function commandConfig(
  inherited: Readonly<Record<string, string>> = inheritedEnvironment(),
): Promise<Config> {
  const given = loadConfig(inherited);
  const file = dataFolder(given, 'secrets.json');
  const named = inherited['DIRECTORY_DATABASE_URL'] ?? '';
  if (named !== '' || !existsSync(file)) return given;
  const vonage = await openKeyPair(dataFolder(given, VONAGE_KEY));
  return loadConfig({
    ...inherited,
    ...embeddedEnvironment(given, await readSecrets(file), vonage),
  });
}

/** Whose phone, mailbox and push topic belong together: the people of the demo account (db/seed-accounts.ts). */
export const DEMO_PEOPLE = [
  { name: 'Ada Lovelace', addresses: ['+15005550101', 'ada@example.com', 'pdlite-ada'] },
  { name: 'Grace Hopper', addresses: ['+15005550102', 'grace@example.com', 'pdlite-grace'] },
  { name: 'Alan Turing', addresses: ['+15005550103', 'alan@example.com', 'pdlite-alan'] },
  {
    name: 'Katherine Johnson',
    addresses: ['+15005550104', 'katherine@example.com', 'pdlite-katherine'],
  },
] as const;

/** And those of the canary's user (db/seed-canary.ts). */
export const CANARY_PHONE = {
  name: 'Canary',
  addresses: [
    ...['+15005550191', '+15005550192', 'canary-1@example.com', 'canary-2@example.com'],
    'pdlite-canary',
  ],
};

/** What the processes of the embedded stack get where the operator has said nothing. */
function embeddedEnvironment(
  given: Config,
  secrets: Secrets,
  vonage: KeyPair,
): Record<string, string> {
  const database = (role: string): string =>
    `postgres://${role}:${secrets.rolePassword}@127.0.0.1:${given.EMBEDDED_POSTGRES_PORT}/pdlite`;
  const simulators = `http://127.0.0.1:${given.SIMULATORS_PORT}`;
  const environment: Record<string, string> = {
    SIMULATORS_VONAGE_PUBLIC_KEY: vonage.publicKey,
    SIMULATORS_VONAGE_SMS_URL: `http://127.0.0.1:${given.API_PORT}/inbound/vonage/sms`,
    DATABASE_URL: database('pdlite_app'),
    DIRECTORY_DATABASE_URL: database('pdlite_directory'),
    INTAKE_DATABASE_URL: database('pdlite_intake'),
    MIGRATION_DATABASE_URL: database('pdlite_owner'),
    TEMPORAL_ADDRESS: `127.0.0.1:${given.EMBEDDED_TEMPORAL_PORT}`,
    TEMPORAL_UI_URL: `http://127.0.0.1:${given.EMBEDDED_TEMPORAL_UI_PORT}`,
    PUBLIC_URL: isSet(given, 'PUBLIC_URL')
      ? given.PUBLIC_URL
      : `http://127.0.0.1:${given.API_PORT}`,
    SIMULATORS_SMS_URL: `http://127.0.0.1:${given.API_PORT}/inbound/twilio/sms`,
    SIMULATORS_PEOPLE: JSON.stringify([...DEMO_PEOPLE, CANARY_PHONE]),
    SIMULATORS_REPLY_SMTP: `smtp://127.0.0.1:${given.INBOUND_SMTP_PORT}`,
    LINK_SECRET: isSet(given, 'LINK_SECRET') ? given.LINK_SECRET : secrets.linkSecret,
    AUDIT_KEY_FILE: given.AUDIT_KEY_FILE ?? dataFolder(given, 'audit', 'key.pem'),
    AUDIT_HEADS_FILE: given.AUDIT_HEADS_FILE ?? dataFolder(given, 'audit', 'heads.jsonl'),
  };
  const canary = `127.0.0.1:${given.WATCHDOG_CANARY_PORT}`;
  environment['WEBHOOK_ALLOWED_HOSTS'] = [...given.WEBHOOK_ALLOWED_HOSTS, canary].join(',');
  if (given.PROVIDERS.length === 0) {
    environment['PROVIDERS'] = JSON.stringify(
      simulatedProviders(given, simulators, vonage.privateKey),
    );
    environment['WEBHOOK_ALLOWED_HOSTS'] += `,127.0.0.1:${given.SIMULATORS_PORT}`;
  }
  return environment;
}

function onlyGiven(inherited: Readonly<Record<string, string>>, name: string) {
  const value = inherited[name];
  return value === undefined ? {} : { [name]: value };
}

/**
 * The watchdog tells the demo account's owner, and sends its canary rarely, so that a newcomer's own incidents are
 * not lost among canaries.
 */
async function watchdogEnvironment(
  given: Config,
  dataDir: string,
  secrets: Secrets,
): Promise<Record<string, string>> {
  const [owner] = DEMO_PEOPLE;
  const [sms, email, push] = owner.addresses;
  const contacts = Object.entries({ sms, email, push }).map(([channel, address]) => ({
    ...{ name: owner.name, channel, address },
  }));
  const key = hashKey(`watchdog ${secrets.linkSecret}`);
  const file = given.WATCHDOG_CONTACTS_FILE ?? path.join(dataDir, 'watchdog-contacts.sealed');
  if (given.WATCHDOG_CONTACTS_FILE === undefined) {
    const sealed = seal(key, SEALED.watchdogContacts, JSON.stringify(contacts));
    await writeFile(file, sealed, { mode: 0o600 });
  }
  return {
    WATCHDOG_API_URLS: `http://127.0.0.1:${given.API_PORT}`,
    WATCHDOG_WORKER_URLS: `http://127.0.0.1:${given.WORKER_METRICS_PORT}`,
    WATCHDOG_CONTACTS_FILE: file,
    WATCHDOG_CONTACTS_KEY: given.WATCHDOG_CONTACTS_KEY ?? key,
    WATCHDOG_CANARY_INTERVAL_SEC: '300',
    ...(canReachCanary(given) && {
      WATCHDOG_CANARY_KEY:
        given.WATCHDOG_CANARY_KEY ?? hashKey(`canary ${secrets.linkSecret}`).slice(0, 32),
    }),
  };
}

/** With providers of the operator's own, of which none posts webhooks, a canary would always be missing. */
function canReachCanary({ PROVIDERS: list }: Config): boolean {
  return list.length === 0 || list.some(({ kind }) => kind === 'webhook');
}

function isSet(given: Config, name: 'PUBLIC_URL' | 'LINK_SECRET'): boolean {
  return loadConfig({})[name] !== given[name];
}

/** Two telephony vendors and two mail relays, so that a newcomer can see the second take over. */
function simulatedProviders(given: Config, simulators: string, privateKey: string): unknown[] {
  const from = 'PD Lite <pages@pdlite.localhost>';
  const vonage = `${simulators}/vonage`;
  return [
    {
      id: 'twilio',
      kind: 'twilio',
      channels: ['sms', 'voice'],
      baseUrl: `${simulators}/twilio`,
      accountSid: given.SIMULATORS_TWILIO_SID,
      authToken: given.SIMULATORS_TWILIO_TOKEN,
      from: '+15005550006',
    },
    {
      ...{ id: 'vonage', kind: 'vonage', channels: ['sms', 'voice'], from: '+15005550007' },
      ...{ apiUrl: vonage, restUrl: vonage, privateKey },
      apiKey: given.SIMULATORS_VONAGE_API_KEY,
      apiSecret: given.SIMULATORS_VONAGE_API_SECRET,
      applicationId: given.SIMULATORS_VONAGE_APPLICATION_ID,
      signatureSecret: given.SIMULATORS_VONAGE_SIGNATURE_SECRET,
    },
    ...[given.SIMULATORS_SMTP_PORT, given.SIMULATORS_SMTP_2_PORT].map((port, index) => ({
      ...{ id: index === 0 ? 'smtp' : 'smtp-2', kind: 'smtp', from },
      url: `smtp://127.0.0.1:${port}`,
    })),
    { id: 'ntfy', kind: 'ntfy', baseUrl: `${simulators}/ntfy` },
    { id: 'webhook', kind: 'webhook' },
  ];
}

async function openDataFolder(dataDir: string): Promise<Secrets> {
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    return await readSecrets(path.join(dataDir, 'secrets.json'));
  } catch (error) {
    if (error instanceof StartError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartError(
      `The data folder ${dataDir} cannot be used (${reason}). Let this user write there, or set another DATA_DIR.`,
      { cause: error },
    );
  }
}

interface KeyPair {
  readonly privateKey: string;
  readonly publicKey: string;
}

/** With which the product signs what it asks of the simulated Vonage; made on the first run. */
async function openKeyPair(file: string): Promise<KeyPair> {
  if (!existsSync(file)) {
    const made = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    await writeFile(`${file}.new`, made.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    await rename(`${file}.new`, file);
  }
  const privateKey = await readFile(file, 'utf8');
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString();
  return { privateKey, publicKey };
}

async function readSecrets(file: string): Promise<Secrets> {
  if (existsSync(file)) return parseSecrets(file, await readFile(file, 'utf8'));
  const random = (): string => randomBytes(24).toString('hex');
  const secrets = { linkSecret: random(), postgresPassword: random(), rolePassword: random() };
  // Whole or not at all: a data folder is of no use without the secrets that it was made with.
  await writeFile(`${file}.new`, JSON.stringify(secrets), { mode: 0o600 });
  await rename(`${file}.new`, file);
  return secrets;
}

function parseSecrets(file: string, text: string): Secrets {
  try {
    return JSON.parse(text) as Secrets;
  } catch (error) {
    throw new StartError(
      `${file} is damaged, and the data beside it cannot be opened without it. Put it back from a backup, or move the data folder away to start anew.`,
      { cause: error },
    );
  }
}

/**
 * Looks at every port of the embedded stack before anything is started.
 * @throws StartError for the first that is taken.
 */
export async function refuseTakenPorts({ config, ...settings }: Settings): Promise<void> {
  const ports: readonly (readonly [string, number])[] = [
    ['API_PORT', config.API_PORT],
    ['SIMULATORS_PORT', config.SIMULATORS_PORT],
    ['SIMULATORS_SMTP_PORT', config.SIMULATORS_SMTP_PORT],
    ['SIMULATORS_SMTP_2_PORT', config.SIMULATORS_SMTP_2_PORT],
    ['INBOUND_SMTP_PORT', config.INBOUND_SMTP_PORT],
    ['API_METRICS_PORT', config.API_METRICS_PORT],
    ['WORKER_METRICS_PORT', config.WORKER_METRICS_PORT],
    ['WATCHDOG_PORT', config.WATCHDOG_PORT],
    ['WATCHDOG_CANARY_PORT', config.WATCHDOG_CANARY_PORT],
    ['EMBEDDED_TEMPORAL_PORT', settings.temporalPort],
    ['EMBEDDED_TEMPORAL_UI_PORT', settings.temporalUiPort],
    ['EMBEDDED_POSTGRES_PORT', settings.postgresPort],
  ];
  for (const [variable, port] of ports) {
    if (!(await isPortFree(port))) {
      throw new StartError(
        `Port ${port} is taken, perhaps by another \`npm start\`. Stop what listens there, ` +
          `or choose another port: ${variable}=${port + 1000} npm start`,
      );
    }
  }
}
