import { Resolver } from 'node:dns/promises';

import { authenticate, type DNSResolver } from 'mailauth';
import type { ParsedMail } from 'mailparser';

import { normaliseMail, type AlertMail } from '../../domain/intake/mail.ts';
import type { ApiDeps } from '../deps.ts';
import { intakeEvents } from '../metrics.ts';
import { IntegrationLimit } from './integration-limit.ts';
import { completeEvent, findIntegration, store, type Found, type Result } from './receive.ts';
import { IntakeRefusal, type IntakeSink } from './sink.ts';

const DOOR = { name: 'email', keyError: (): null => null };
const LOCAL = /^alerts\+([0-9a-z]{32})$/;
/** Senders' DNS may be slow; the page does not wait longer than this for it. */
const AUTHENTICATION_LIMIT_MS = 3000;
const DNS_LIMIT_MS = 1000;

/** The address of an integration that takes mails. Its key is the secret in it. */
export function integrationAddress({ config }: Pick<ApiDeps, 'config'>, key: string): string {
  return `alerts+${key}@${config.REPLY_DOMAIN}`;
}

/** A mail as it came over SMTP. */
export interface ReceivedMail {
  readonly raw: Buffer;
  readonly mail: ParsedMail;
  readonly sender: string;
  readonly ip: string;
  readonly helo: string;
}

export interface MailIntake {
  /** The integration that an address belongs to. @throws IntakeRefusal while the directory is not loaded. */
  find(address: string): Found | undefined;
  /** Stores the alert. @throws IntakeRefusal when it could not be stored; the mail must then stay with its sender. */
  accept(found: Found, received: ReceivedMail): Promise<void>;
}

export interface MailIntakeOptions {
  readonly deps: Pick<ApiDeps, 'config' | 'directory' | 'logger' | 'now'>;
  readonly sink: IntakeSink;
  readonly resolver?: DNSResolver;
}

/** Alerts by mail, for tools that can send nothing else. SPF, DKIM and DMARC results are kept with the alert. */
export function createMailIntake(options: MailIntakeOptions): MailIntake {
  const { deps, sink, resolver = quickResolver() } = options;
  const limit = new IntegrationLimit();
  const count = (result: Result): void => intakeEvents.inc({ door: DOOR.name, result });
  return {
    find: (address) => {
      const [local = '', domain = ''] = address.toLowerCase().split('@');
      if (domain !== deps.config.REPLY_DOMAIN.toLowerCase()) return undefined;
      return findIntegration({ deps }, DOOR, LOCAL.exec(local)?.[1]);
    },
    accept: async (found, received) => {
      const waitSec = await limit.exceededFor(found.integration, 1);
      if (waitSec !== null) {
        count('rate_limited');
        throw new IntakeRefusal('overloaded', waitSec);
      }
      const event = normaliseMail(await readMail(deps, resolver, received));
      const added = { now: deps.now(), traceparent: null };
      const complete = completeEvent(found.integration.id, event, added);
      try {
        count(await store({ deps, sink }, found, [complete]));
      } catch (error) {
        count(error instanceof IntakeRefusal ? error.reason : 'failed');
        throw error;
      }
      const { integration } = found;
      deps.logger.info({ integrationId: integration.id, action: event.action }, 'alert by mail');
    },
  };
}

async function readMail(
  deps: MailIntakeOptions['deps'],
  resolver: DNSResolver,
  received: ReceivedMail,
): Promise<AlertMail> {
  const { mail } = received;
  return {
    subject: mail.subject ?? '',
    from: mail.from?.value[0]?.address ?? received.sender,
    text: mail.text ?? '',
    messageId: mail.messageId ?? null,
    authentication: await authentication(deps, resolver, received),
  };
}

const unknown = { spf: 'temperror', dkim: 'temperror', dmarc: 'temperror' };

async function authentication(
  { config, logger }: MailIntakeOptions['deps'],
  resolver: DNSResolver,
  { raw, sender, ip, helo }: ReceivedMail,
): Promise<AlertMail['authentication']> {
  const options = { sender, ip, helo, mta: config.REPLY_DOMAIN, resolver };
  const work = authenticate(raw, { ...options, disableArc: true, disableBimi: true });
  const late = new Promise<null>((resolve) => setTimeout(resolve, AUTHENTICATION_LIMIT_MS, null));
  try {
    const result = await Promise.race([work, late]);
    if (result === null) return unknown;
    const { spf, dkim, dmarc } = result;
    const signatures = dkim.results.map(({ status }) => status.result);
    return {
      spf: spf === false ? 'none' : spf.status.result,
      dkim: signatures.find((one) => one === 'pass') ?? signatures[0] ?? 'none',
      dmarc: dmarc === false ? 'none' : dmarc.status.result,
    };
  } catch (error) {
    logger.warn({ err: error }, 'mail could not be authenticated');
    return unknown;
  }
}

/** One short try: an alert waits for this. */
function quickResolver(): DNSResolver {
  const dns = new Resolver({ timeout: DNS_LIMIT_MS, tries: 1 });
  return async (domain, type) => (await dns.resolve(domain, type)) as string[];
}
