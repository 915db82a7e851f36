import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

import { simpleParser } from 'mailparser';
import type { ParsedMail } from 'mailparser';
import { SMTPServer } from 'smtp-server';
import type { SMTPServerDataStream, SMTPServerSession } from 'smtp-server';

import { parseReply } from '../../domain/reply.ts';
import type { ContactMethod } from '../../domain/model.ts';
import type { Reply } from '../../domain/responder/types.ts';
import { verifyReplyAddress } from '../../platform/tokens.ts';
import type { ReplyAddress } from '../../platform/tokens.ts';
import type { ApiDeps } from '../deps.ts';
import type { MailIntake, ReceivedMail } from '../intake/mail.ts';
import { IntakeRefusal } from '../intake/sink.ts';
import { inboundReplies } from './metrics.ts';
import { recordOptOut } from './opt-out.ts';
import type { Responders, Who } from './responders.ts';

const MAX_BYTES = 524_288;
const MAX_CONNECTIONS = 100;
const IDLE_MS = 30_000;

export interface RunningSmtp {
  readonly port: number;
  close(): Promise<void>;
}

/** An answer in SMTP's words. */
class SmtpRefusal extends Error {
  readonly responseCode: number;
  constructor(responseCode: number, message: string) {
    super(message);
    this.responseCode = responseCode;
  }
}

/** Who takes the mails. */
export interface MailReaders {
  readonly responders: Responders;
  readonly intake: MailIntake;
}

/**
 * Receives replies at signed addresses, and alerts at the addresses of integrations. 250: recorded, or a reply
 * that no person wrote, which is dropped. 550: unknown address, or nothing that we understand. 451: try again,
 * not recorded.
 */
export async function startInboundSmtp(deps: ApiDeps, readers: MailReaders): Promise<RunningSmtp> {
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    banner: 'PD Lite',
    size: MAX_BYTES,
    maxClients: MAX_CONNECTIONS,
    socketTimeout: IDLE_MS,
    closeTimeout: 2000,
    onRcptTo: (recipient, _session, done) => {
      done(recipientError(deps, readers, recipient.address));
    },
    onData: (stream, session, done) => {
      receive(deps, readers, stream, session).then(
        () => done(null, 'Thank you'),
        (error: unknown) => {
          if (error instanceof SmtpRefusal) {
            done(error);
            return;
          }
          deps.logger.error({ err: error }, 'mail failed');
          done(new SmtpRefusal(451, '4.3.0 Not recorded, please try again'));
        },
      );
    },
  });
  server.on('error', (error) => deps.logger.warn({ err: error }, 'inbound SMTP connection failed'));
  server.listen(deps.config.INBOUND_SMTP_PORT, deps.config.INBOUND_SMTP_HOST);
  await once(server.server, 'listening');
  return {
    port: (server.server.address() as AddressInfo).port,
    close: async () => {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      server.close(() => resolve(undefined));
      await promise;
    },
  };
}

/** Null when the address takes mail. */
function recipientError(deps: ApiDeps, { intake }: MailReaders, address: string): Error | null {
  try {
    if (addressed(deps, address) || intake.find(address)) return null;
    return new SmtpRefusal(550, '5.1.1 This address is unknown or has expired');
  } catch (error) {
    if (error instanceof IntakeRefusal) return notRecorded();
    throw error;
  }
}

async function receive(
  deps: ApiDeps,
  readers: MailReaders,
  stream: SMTPServerDataStream,
  session: SMTPServerSession,
): Promise<void> {
  const raw = await readAll(stream);
  const mail = await simpleParser(raw, { skipHtmlToText: false, skipImageLinks: true });
  const { mailFrom, rcptTo } = session.envelope;
  const sender = mailFrom === false ? '' : mailFrom.address;
  const received = {
    raw,
    mail,
    sender,
    ip: session.remoteAddress,
    helo: session.hostNameAppearsAs,
  };
  for (const { address } of rcptTo) await deliver(deps, readers, address, received);
}

/** The whole mail, which the server bounds only by telling that it is too large. */
async function readAll(stream: SMTPServerDataStream): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of stream as AsyncIterable<Buffer>) {
    size += part.length;
    if (size <= MAX_BYTES) parts.push(part);
  }
  if (stream.sizeExceeded || size > MAX_BYTES)
    throw new SmtpRefusal(552, '5.3.4 Larger than 512 KB');
  return Buffer.concat(parts);
}

async function deliver(
  deps: ApiDeps,
  { responders, intake }: MailReaders,
  address: string,
  received: ReceivedMail,
): Promise<void> {
  const { mail, sender } = received;
  const reply = addressed(deps, address);
  if (!reply) {
    const found = intake.find(address);
    if (found) await acceptAlert(intake, found, received);
    return;
  }
  if (isFromRobot(mail, sender, deps.config.REPLY_DOMAIN)) {
    inboundReplies.inc({ via: 'email_reply', result: 'robot' });
    return;
  }
  await act(deps, responders, { mail, reply });
}

async function acceptAlert(
  intake: MailIntake,
  found: Parameters<MailIntake['accept']>[0],
  received: ReceivedMail,
): Promise<void> {
  try {
    await intake.accept(found, received);
  } catch (error) {
    if (error instanceof IntakeRefusal) throw notRecorded();
    throw error;
  }
}

async function act(
  deps: ApiDeps,
  responders: Responders,
  { mail, reply }: { mail: ParsedMail; reply: ReplyAddress },
): Promise<void> {
  const { accountId, userId, code } = reply;
  const who = { accountId, userId };
  const parsed = parseReply(mail.text ?? '');
  const method = methodOf(deps, reply, senderOf(mail));
  if (parsed?.kind === 'stop' || parsed?.kind === 'start') {
    if (!method) return;
    const optOut = { optedOut: parsed.kind === 'stop', via: 'email_reply' } as const;
    const contactMethodId = method.id;
    if (await recordOptOut(deps, responders, { who, contactMethodId, ...optOut })) return;
    throw notRecorded();
  }
  if (parsed?.kind !== 'answer')
    throw new SmtpRefusal(
      550,
      '5.6.0 Not understood: the first line must be ack, resolve or escalate',
    );
  await answer(deps, responders, who, {
    ...{ replyId: idOf(mail), at: deps.now().toISOString(), via: 'email_reply' },
    // The address stands for one message; a code in the text may name another one.
    ...{ contactMethodId: method?.id ?? null, code: parsed.code ?? code, ambiguous: false },
    ...{ action: parsed.action, traceparent: null },
  });
}

async function answer(
  deps: ApiDeps,
  responders: Responders,
  who: Who,
  reply: Reply,
): Promise<void> {
  const result = await responders.reply(who, reply);
  const { replyId, via, action } = reply;
  inboundReplies.inc({ via, result });
  deps.logger.info({ ...who, replyId, via, action, result }, 'reply received');
  if (result === 'down') throw notRecorded();
}

function notRecorded(): SmtpRefusal {
  return new SmtpRefusal(451, '4.3.0 Not recorded, please try again');
}

/** Holiday notes, bounces, lists and our own mail: answering or acting on them could go on for ever. */
function isFromRobot(mail: ParsedMail, sender: string, ownDomain: string): boolean {
  const header = (name: string) => {
    const value = mail.headers.get(name);
    return typeof value === 'string' ? value.trim().toLowerCase() : '';
  };
  const submitted = header('auto-submitted');
  const from = senderOf(mail);
  return (
    sender === '' ||
    (submitted !== '' && submitted !== 'no') ||
    /^(bulk|junk|list|auto_reply)$/.test(header('precedence')) ||
    mail.headers.has('x-autoreply') ||
    mail.headers.has('x-autorespond') ||
    from.endsWith(`@${ownDomain.toLowerCase()}`)
  );
}

function addressed({ config, now }: ApiDeps, address: string): ReplyAddress | null {
  const domain = address.slice(address.lastIndexOf('@') + 1).toLowerCase();
  if (domain !== config.REPLY_DOMAIN.toLowerCase()) return null;
  return verifyReplyAddress(config.LINK_SECRET, address, now().getTime());
}

/** The mailbox that it came from, else the person's first: where the result is told. */
function methodOf(
  { directory }: ApiDeps,
  reply: ReplyAddress,
  from: string,
): ContactMethod | undefined {
  const user = directory.account(reply.accountId)?.users.get(reply.userId);
  const mailboxes = (user?.contactMethods ?? []).filter(
    ({ channel, verifiedAt }) => channel === 'email' && verifiedAt !== null,
  );
  return mailboxes.find(({ address }) => address.toLowerCase() === from) ?? mailboxes[0];
}

function senderOf(mail: ParsedMail): string {
  return (mail.from?.value[0]?.address ?? '').toLowerCase();
}

/** Stays the same when a mail system hands the mail over twice. */
function idOf(mail: ParsedMail): string {
  if (mail.messageId) return mail.messageId.slice(0, 250);
  const content = JSON.stringify([mail.date, mail.from?.text, mail.subject, mail.text]);
  return createHash('sha256').update(content).digest('hex');
}
