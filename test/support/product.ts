import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import type { Client } from '@temporalio/client';
import { pino } from 'pino';
import { expect } from 'vitest';

import { openDatabase } from '../../db/database.ts';
import type { RoleUrls } from '../../db/roles.ts';
import { freePort } from '../../platform/embedded/process.ts';
import { at, type ApiAnswer } from './incident-api.ts';
import { createTestDatabase } from './postgres.ts';
import { ProductProcess } from './product-process.ts';
import { startTestSimulators } from './simulators.ts';
import {
  seedSmokeAccounts,
  type PeopleSpec,
  type SeededAccounts,
  type SeededPerson,
} from './smoke-account.ts';
import { devServer, workflowBundle } from './temporal.ts';
import { vonageProvider } from './vonage.ts';

export { at } from './incident-api.ts';

type Simulators = Awaited<ReturnType<typeof startTestSimulators>>;

export interface ProductOptions {
  readonly people: PeopleSpec;
  /** A second telephony vendor (Vonage) and mail relay on simulators of their own, tried when the first ones fail. */
  readonly secondTelephony?: boolean;
  /** More environment of the api and the worker. */
  readonly environment?: Readonly<Record<string, string>>;
  /** A database of the test's own, migrated; without it one on the PostgreSQL that the run shares. */
  readonly database?: RoleUrls;
}

/** What an alert says besides its key. */
export interface AlertFields {
  readonly action?: 'trigger' | 'acknowledge' | 'resolve';
  readonly summary?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly payload?: Readonly<Record<string, unknown>>;
}

/** Longest that anything is waited for. */
const WAIT = { timeout: 20_000, interval: 50 };
const TOKEN = 'canary-twilio-auth-token';
const SID = 'AC00000000000000000000000000000001';
export const LINK_SECRET = 'canary-link-secret-0123456789-0123456789';

/**
 * The whole product as an operator runs it: api and worker as processes of their own on a real database and a
 * real engine, with simulated vendors; everything in it is reached over the wire only.
 */
export async function startProduct(options: ProductOptions): Promise<Product> {
  const [engine] = await Promise.all([devServer(), workflowBundle()]);
  const shared = options.database === undefined ? await createTestDatabase() : undefined;
  const urls = options.database ?? shared;
  if (!urls) throw new Error('there is no database');
  const dataDir = await mkdtemp(path.join(tmpdir(), 'pdlite-product-'));
  const database = openDatabase(urls.appUrl, { poolMax: 2, logger: pino({ level: 'silent' }) });
  const accounts = await seedSmokeAccounts(database, options.people);
  await database.close();
  const [apiPort, smtpPort, apiMetrics, workerMetrics] = await Promise.all(
    Array.from({ length: 4 }, freePort),
  );
  const apiUrl = `http://127.0.0.1:${apiPort}`;
  const vendors = {
    ...{ twilioSid: SID, twilioToken: TOKEN },
    vonageSmsUrl: `${apiUrl}/inbound/vonage/sms`,
    ...{ smsUrl: `${apiUrl}/inbound/twilio/sms`, replySmtp: `smtp://127.0.0.1:${smtpPort}` },
  };
  const simulators = await startTestSimulators(vendors);
  const second = options.secondTelephony ? await startTestSimulators(vendors) : undefined;
  const environment = {
    ...{ DATABASE_URL: urls.appUrl, DIRECTORY_DATABASE_URL: urls.directoryUrl, LINK_SECRET },
    ...{ INTAKE_DATABASE_URL: urls.intakeUrl, DATA_DIR: dataDir },
    ...{ TEMPORAL_ADDRESS: engine.address, TEMPORAL_NAMESPACE: engine.namespace },
    ...{ TEMPORAL_UI_URL: engine.uiUrl, PUBLIC_URL: apiUrl, REPLY_DOMAIN: 'reply.test' },
    ...{ API_PORT: String(apiPort), INBOUND_SMTP_PORT: String(smtpPort) },
    ...{ API_METRICS_PORT: String(apiMetrics), WORKER_METRICS_PORT: String(workerMetrics) },
    PROVIDERS: JSON.stringify(providers(simulators, second)),
    SECOND_PROVIDER_SHARE_PERCENT: '0',
    WEBHOOK_ALLOWED_HOSTS: '127.0.0.1',
    ...options.environment,
  };
  const api = new ProductProcess('api/main.ts', environment, `${apiUrl}/health/ready`);
  const workerUrl = `http://127.0.0.1:${workerMetrics}`;
  const worker = new ProductProcess('worker/main.ts', environment, `${workerUrl}/health/ready`);
  await Promise.all([api.start(), worker.start()]);
  const close = async (): Promise<void> => {
    await Promise.all([api.stop(), worker.stop()]);
    await Promise.all([simulators.close(), second?.close(), engine.close()]);
    await shared?.drop();
    await rm(dataDir, { recursive: true, force: true });
  };
  return new Product({
    ...{ apiUrl, dataDir, api, worker, simulators, second, accounts, environment, close },
    ...{ temporal: engine.client, namespace: engine.namespace, temporalUiUrl: engine.uiUrl },
    metricsUrls: [`http://127.0.0.1:${apiMetrics}/metrics`, `${workerUrl}/metrics`],
  });
}

function providers(first: Simulators, second: Simulators | undefined): unknown[] {
  const twilio = {
    ...{ id: 'twilio', kind: 'twilio', channels: ['sms', 'voice'], baseUrl: `${first.url}/twilio` },
    ...{ accountSid: SID, authToken: TOKEN, from: '+15005550006', timeoutMs: 1500 },
  };
  const smtp = (id: string, port: number) => ({
    ...{ id, kind: 'smtp', from: 'PD Lite <pages@pdlite.test>', url: `smtp://127.0.0.1:${port}` },
  });
  return [
    twilio,
    ...(second ? [vonageProvider('vonage', second.url)] : []),
    smtp('smtp', first.smtpPort),
    ...(second ? [smtp('smtp-2', second.smtpPort)] : []),
    { id: 'ntfy', kind: 'ntfy', baseUrl: `${first.url}/ntfy` },
    { id: 'webhook', kind: 'webhook' },
  ];
}

interface Parts {
  readonly apiUrl: string;
  readonly dataDir: string;
  readonly api: ProductProcess;
  readonly worker: ProductProcess;
  readonly simulators: Simulators;
  readonly second: Simulators | undefined;
  readonly accounts: SeededAccounts;
  readonly environment: Readonly<Record<string, string>>;
  readonly temporal: Client;
  readonly namespace: string;
  readonly temporalUiUrl: string;
  readonly metricsUrls: readonly string[];
  readonly close: () => Promise<void>;
}

/** The running product in a scenario's words. */
export class Product {
  readonly apiUrl: string;
  readonly dataDir: string;
  /** With which its processes were started. */
  readonly environment: Readonly<Record<string, string>>;
  readonly api: ProductProcess;
  readonly worker: ProductProcess;
  readonly simulators: Simulators;
  readonly temporal: Client;
  readonly namespace: string;
  readonly temporalUiUrl: string;
  readonly close: () => Promise<void>;
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.apiUrl = parts.apiUrl;
    this.dataDir = parts.dataDir;
    this.environment = parts.environment;
    this.api = parts.api;
    this.worker = parts.worker;
    this.simulators = parts.simulators;
    this.temporal = parts.temporal;
    this.namespace = parts.namespace;
    this.temporalUiUrl = parts.temporalUiUrl;
    this.close = parts.close;
  }

  /** Key of an account's admin. */
  apiKey(account: string): string {
    return this.#parts.accounts.apiKeys.get(account) ?? '';
  }
  /** What the simulated telephony signs with. */
  readonly twilioToken = TOKEN;
  readonly twilioSid = SID;

  person(name: string): SeededPerson {
    const person = this.#parts.accounts.people.get(name);
    if (!person) throw new Error(`nobody is called ${name}`);
    return person;
  }
  phone(name: string) {
    return this.simulators.phone(this.person(name).phone);
  }
  /** The phone as the second telephony vendor reaches it. */
  phoneBySecond(name: string) {
    return this.second.phone(this.person(name).phone);
  }
  /** The people as the second vendors reach them. */
  get second(): Simulators {
    if (!this.#parts.second) throw new Error('there is one vendor only');
    return this.#parts.second;
  }
  mailbox(name: string) {
    return this.simulators.mailbox(this.person(name).email);
  }
  push(name: string) {
    return this.simulators.push(this.person(name).topic);
  }

  /** Everything that both processes have printed. */
  logs(): string {
    return this.api.output + this.worker.output;
  }
  async metrics(): Promise<string> {
    const texts = this.#parts.metricsUrls.map(async (url) => (await fetch(url)).text());
    return (await Promise.all(texts)).join('\n');
  }

  /** Posts any body to any path of the api, as text when it is text. */
  async post(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}) {
    const response = await fetch(this.apiUrl + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  /** Sends an event about the service of this person; its key is the scenario's own. */
  async alert(name: string, dedupKey: string, fields: AlertFields = {}): Promise<void> {
    const { action = 'trigger', summary = `Alert ${dedupKey}`, payload, headers = {} } = fields;
    const event = {
      ...{ routing_key: this.person(name).keys.events, event_action: action, dedup_key: dedupKey },
      ...(action === 'trigger' && {
        payload: { summary, source: 'smoke', severity: 'critical', ...payload },
      }),
    };
    const { status, text } = await this.post('/v2/enqueue', event, headers);
    expect([status, text]).toEqual([202, expect.stringContaining('"status":"success"')]);
  }

  /** Asks the REST API with the key of an account; writes are done for its owner. */
  async rest(method: string, path: string, body?: unknown, account = 'smoke'): Promise<ApiAnswer> {
    const response = await fetch(this.apiUrl + path, {
      method,
      headers: {
        authorization: `Token token=${this.apiKey(account)}`,
        'content-type': 'application/json',
        from: this.person(`${account}-owner`).email,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const parsed = (text === '' ? {} : JSON.parse(text)) as ApiAnswer['body'];
    return { status: response.status, headers: response.headers, body: parsed };
  }

  /** Incidents of this key, the newest first. */
  async incidents(dedupKey: string, account = 'smoke'): Promise<readonly unknown[]> {
    const query = `date_range=all&incident_key=${encodeURIComponent(dedupKey)}&sort_by=created_at:desc`;
    const list = at(
      (await this.rest('GET', `/incidents?${query}`, undefined, account)).body,
      'incidents',
    );
    return Array.isArray(list) ? (list as unknown[]) : [];
  }

  /** The newest incident of this key as soon as it has this status. */
  async incident(dedupKey: string, status?: string, account = 'smoke'): Promise<unknown> {
    let found: unknown;
    await expect
      .poll(async () => {
        [found] = await this.incidents(dedupKey, account);
        return found === undefined || status === undefined ? found : at(found, 'status');
      }, WAIT)
      .toEqual(status ?? expect.anything());
    return found;
  }

  /** Waits until the incident's log has an entry of this type whose text fits. */
  async expectLogged(incident: unknown, type: string, reason: RegExp = /./): Promise<unknown> {
    let found: unknown;
    await expect
      .poll(async () => {
        const entries = await this.logEntries(incident);
        found = entries.find(
          (entry) => at(entry, 'type') === type && reason.test(String(at(entry, 'summary'))),
        );
        return (
          found ?? entries.map((entry) => [at(entry, 'type'), at(entry, 'summary')].join(': '))
        );
      }, WAIT)
      .toMatchObject({ type });
    return found;
  }

  /** Newest first. */
  async logEntries(incident: unknown): Promise<readonly unknown[]> {
    const { account } = this.#accountOf(incident);
    const path = `/incidents/${String(at(incident, 'id'))}/log_entries?limit=100`;
    const list = at((await this.rest('GET', path, undefined, account)).body, 'log_entries');
    return Array.isArray(list) ? (list as unknown[]) : [];
  }

  #accountOf(incident: unknown): { readonly account: string } {
    const service = at(incident, 'service', 'summary');
    return this.#parts.accounts.people.get(String(service)) ?? { account: 'smoke' };
  }
}
