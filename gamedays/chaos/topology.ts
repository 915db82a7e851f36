import { generateKeyPairSync, randomBytes } from 'node:crypto';

import { freePort } from '../../platform/embedded/process.ts';
import type { AgentSettings } from '../faults/agent-settings.ts';
import type { FaultWindow } from '../ledgers/records.ts';

/** The links through which the product reaches what it depends on. */
export const LINKS = [
  'postgres',
  'temporal',
  'sms-a',
  'sms-b',
  'push',
  'mail-a',
  'mail-b',
  'public',
] as const;
export type LinkName = (typeof LINKS)[number];

/** What is kept while a link hangs on the way to a vendor: who that is, and for which channels. */
export function heldBy(link: string): FaultWindow['holds'] {
  const [kind = '', vendor = 'a'] = link.split('-');
  const channels = { sms: ['sms', 'voice'], mail: ['email'], push: ['push'] }[kind];
  return channels && { provider: vendor, channels };
}

/** Simulated vendors: `a` is the first choice for everything, `b` the second for telephony and mail. */
export const VENDORS = ['a', 'b'] as const;
export type VendorName = (typeof VENDORS)[number];

export interface Topology {
  readonly links: Readonly<Record<LinkName, number>>;
  readonly postgres: number;
  readonly standbys: readonly number[];
  readonly temporal: number;
  readonly agent: number;
  readonly vendors: Readonly<Record<VendorName, VendorPorts>>;
  readonly apis: readonly ApiPorts[];
  /** Metrics and health. */
  readonly workers: readonly number[];
  /** PEM: the second telephony vendor knows the product by it. */
  readonly vonageKey: { readonly privateKey: string; readonly publicKey: string };
}

export interface VendorPorts {
  readonly http: number;
  readonly smtp: number;
  /** Of the second relay that every vendor process has; nothing is sent there. */
  readonly smtp2: number;
}

export interface ApiPorts {
  readonly http: number;
  readonly smtp: number;
  readonly metrics: number;
}

/** Free ports for everything. */
export async function layOut(counts: {
  readonly apis: number;
  readonly workers: number;
  readonly standbys: number;
}): Promise<Topology> {
  const taken = new Set<number>();
  const port = async (): Promise<number> => {
    const free = await freePort();
    if (taken.has(free)) return port();
    taken.add(free);
    return free;
  };
  const links: Partial<Record<LinkName, number>> = {};
  for (const name of LINKS) links[name] = await port();
  const vendor = async () => ({ http: await port(), smtp: await port(), smtp2: await port() });
  const [postgres, temporal, agent] = [await port(), await port(), await port()];
  const vendors = { a: await vendor(), b: await vendor() };
  const apis: ApiPorts[] = [];
  for (let n = 0; n < counts.apis; n += 1)
    apis.push({ http: await port(), smtp: await port(), metrics: await port() });
  const workers: number[] = [];
  for (let n = 0; n < counts.workers; n += 1) workers.push(await port());
  const standbys: number[] = [];
  for (let n = 0; n < counts.standbys; n += 1) standbys.push(await port());
  const vonageKey = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  // Every name of LINKS has been given its port above.
  const placed = { links: links as Topology['links'], postgres, temporal, agent, vendors };
  return { ...placed, standbys, apis, workers, vonageKey };
}

export function local(port: number): string {
  return `127.0.0.1:${port}`;
}

/** What the fault agent is told. */
export function agentSettings(
  topology: Topology,
  given: Pick<AgentSettings, 'ledgerFile' | 'clocks'> & { readonly superuserUrl: string },
): AgentSettings {
  const { links, vendors } = topology;
  const to = (port: number, target: number) => ({ port, targets: [local(target)] });
  return {
    port: topology.agent,
    token: randomBytes(24).toString('hex'),
    ledgerFile: given.ledgerFile,
    links: {
      postgres: to(links.postgres, topology.postgres),
      temporal: to(links.temporal, topology.temporal),
      'sms-a': to(links['sms-a'], vendors.a.http),
      'sms-b': to(links['sms-b'], vendors.b.http),
      push: to(links.push, vendors.a.http),
      'mail-a': to(links['mail-a'], vendors.a.smtp),
      'mail-b': to(links['mail-b'], vendors.b.smtp),
      public: {
        port: links.public,
        targets: topology.apis.map(({ http }) => local(http)),
        healthPath: '/health/ready',
      },
    },
    simulators: {
      a: `http://${local(vendors.a.http)}`,
      b: `http://${local(vendors.b.http)}`,
    },
    postgres: { app: given.superuserUrl },
    clocks: given.clocks,
  };
}

/** What the processes are told, besides their own ports: every dependency is behind its link. */
export function productEnvironment(topology: Topology): Record<string, string> {
  const { links } = topology;
  const publicUrl = `http://${local(links.public)}`;
  return {
    EMBEDDED_POSTGRES_PORT: `${links.postgres}`,
    EMBEDDED_TEMPORAL_PORT: `${links.temporal}`,
    PUBLIC_URL: publicUrl,
    LINK_SECRET: randomBytes(24).toString('hex'),
    LOG_LEVEL: 'warn',
    PROVIDERS: JSON.stringify(providersOf(topology)),
    SIMULATORS_TWILIO_SID: TWILIO.accountSid,
    SIMULATORS_TWILIO_TOKEN: TWILIO.authToken,
    SIMULATORS_VONAGE_API_KEY: VONAGE.apiKey,
    SIMULATORS_VONAGE_API_SECRET: VONAGE.apiSecret,
    SIMULATORS_VONAGE_APPLICATION_ID: VONAGE.applicationId,
    SIMULATORS_VONAGE_SIGNATURE_SECRET: VONAGE.signatureSecret,
  };
}

/** What the simulated vendors are told. */
export function vendorEnvironment(topology: Topology, name: VendorName): Record<string, string> {
  const { http, smtp, smtp2 } = topology.vendors[name];
  return {
    SIMULATORS_PORT: `${http}`,
    SIMULATORS_SMTP_PORT: `${smtp}`,
    SIMULATORS_SMTP_2_PORT: `${smtp2}`,
    SIMULATORS_SMS_URL: `http://${local(topology.links.public)}/inbound/twilio/sms`,
    SIMULATORS_VONAGE_SMS_URL: `http://${local(topology.links.public)}/inbound/vonage/sms`,
    SIMULATORS_VONAGE_PUBLIC_KEY: topology.vonageKey.publicKey,
    SIMULATORS_REPLY_SMTP: `smtp://${local(topology.apis[0]?.smtp ?? 0)}`,
  };
}

const TWILIO = { accountSid: `AC${'0'.repeat(31)}1`, authToken: 'chaos-telephony-token' };
const VONAGE = {
  ...{ apiKey: 'chaoskey', apiSecret: 'chaos-vonage-secret' },
  applicationId: '00000000-0000-0000-0000-00000000000c',
  signatureSecret: 'chaos-vonage-signature-secret',
};

/** The product's providers, each through a link of its own, in the order in which they are tried. */
function providersOf({ links, vonageKey: { privateKey } }: Topology): readonly object[] {
  const from = 'PD Lite <pages@pdlite.test>';
  const channels = ['sms', 'voice'];
  const twilio = { kind: 'twilio', channels, from: '+15005550006', ...TWILIO };
  const vonage = { kind: 'vonage', channels, from: '+15005550007', ...VONAGE, privateKey };
  const [baseUrl, vonageUrl] = [
    `http://${local(links['sms-a'])}/twilio`,
    `http://${local(links['sms-b'])}/vonage`,
  ];
  return [
    { ...twilio, id: 'sms-a', baseUrl },
    { ...vonage, id: 'sms-b', apiUrl: vonageUrl, restUrl: vonageUrl },
    { id: 'mail-a', kind: 'smtp', url: `smtp://${local(links['mail-a'])}`, from },
    { id: 'mail-b', kind: 'smtp', url: `smtp://${local(links['mail-b'])}`, from },
    { id: 'push', kind: 'ntfy', baseUrl: `http://${local(links.push)}/ntfy` },
  ];
}
