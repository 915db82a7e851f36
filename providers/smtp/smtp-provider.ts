import { createHash } from 'node:crypto';

import { createTransport } from 'nodemailer';

import type { ProviderConfig } from '../../platform/config.ts';
import { withDeadline } from '../deadline.ts';
import { codeOf } from '../http-failure.ts';
import { DeliveryError } from '../provider.ts';
import type { FailureKind, Outgoing, Provider } from '../provider.ts';

type SmtpConfig = Extract<ProviderConfig, { kind: 'smtp' }>;
type Mail = Extract<Outgoing, { channel: 'email' }>;

/**
 * Mail over SMTP, one connection a mail. The Message-ID is the same on every try of one delivery, so that
 * mail systems can drop the second copy.
 */
export function createSmtpProvider(config: SmtpConfig): Provider {
  return {
    id: config.id,
    channels: ['email'],
    async send(message, key) {
      if (message.channel !== 'email')
        throw new DeliveryError('ConfigMissing', `SMTP does not carry ${message.channel}.`);
      const transport = connect(config);
      const messageId = messageIdOf(key, config.from);
      const work = transport
        .sendMail(toMail(message, config.from, messageId))
        .catch((error: unknown) => {
          throw failureOf(error);
        });
      await withDeadline(config.timeoutMs, work, () => transport.close()).finally(() =>
        transport.close(),
      );
      return { providerId: messageId };
    },
    check: async () => {
      const transport = connect(config);
      const work = transport.verify().catch((error: unknown) => {
        throw failureOf(error);
      });
      await withDeadline(config.timeoutMs, work).finally(() => transport.close());
    },
    close: () => Promise.resolve(),
  };
}

function connect(config: SmtpConfig) {
  return createTransport({
    url: config.url,
    connectionTimeout: config.timeoutMs,
    greetingTimeout: config.timeoutMs,
    socketTimeout: config.timeoutMs,
    dnsTimeout: config.timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
}

function toMail(message: Mail, from: string, messageId: string) {
  return {
    from,
    to: { name: '', address: message.to },
    subject: message.subject.replace(/[\r\n]+/g, ' '),
    text: message.text,
    html: message.html,
    messageId,
    ...(message.replyTo === null ? {} : { replyTo: message.replyTo }),
    // Keeps holiday notes and other robots from answering.
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
  };
}

function messageIdOf(key: string, from: string): string {
  const hash = createHash('sha256').update(key).digest('hex').slice(0, 40);
  const domain = /@([A-Za-z0-9.-]+)/.exec(from)?.[1] ?? 'pdlite.invalid';
  return `<${hash}@${domain}>`;
}

/** Codes of RFC 5321 and 3463; the server's words are left out, for they repeat the address. */
function failureOf(error: unknown): DeliveryError {
  const status = responseCodeOf(error);
  const code = codeOf(error);
  if (status !== null) {
    const atRecipient = code === 'EENVELOPE';
    return new DeliveryError(
      kindOfReply(status, atRecipient, code),
      `The mail server answered ${status}.`,
    );
  }
  const kind = KINDS_WITHOUT_REPLY[code] ?? 'ProviderUnavailable';
  return new DeliveryError(kind, `The mail server took nothing${code && ` (${code})`}.`);
}

const KINDS_WITHOUT_REPLY: Readonly<Record<string, FailureKind>> = {
  ETIMEDOUT: 'Timeout',
  EAUTH: 'AuthFailed',
  ENOAUTH: 'ConfigMissing',
  EENVELOPE: 'InvalidDestination',
};

function kindOfReply(status: number, atRecipient: boolean, code: string): FailureKind {
  if (code === 'EAUTH' || status === 530 || status === 535) return 'AuthFailed';
  if (status === 450 && atRecipient) return 'RateLimited';
  if (status < 500) return 'ProviderUnavailable';
  return atRecipient && [550, 551, 553].includes(status)
    ? 'InvalidDestination'
    : 'ProviderRejected';
}

function responseCodeOf(error: unknown): number | null {
  if (typeof error !== 'object' || error === null || !('responseCode' in error)) return null;
  return typeof error.responseCode === 'number' ? error.responseCode : null;
}
