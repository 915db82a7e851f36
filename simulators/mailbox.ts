import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';

import { simpleParser } from 'mailparser';
import type { ParsedMail } from 'mailparser';
import { createTransport } from 'nodemailer';
import { SMTPServer } from 'smtp-server';

import type { MailItem, Relay } from './items.ts';
import type { Ledger } from './ledger.ts';
import type { Moods } from './moods.ts';

const MAX_SIZE = 1_048_576;

interface Options {
  readonly vendor: Relay;
  readonly host: string;
  readonly port: number;
  /** `smtp://host:port` to which replies are sent. */
  readonly replySmtp: string;
  readonly ledger: Ledger;
  readonly moods: Moods;
}

/** An SMTP server that takes every mail, and the mail program that answers. */
export class Mailbox {
  readonly #options: Options;
  readonly #server: SMTPServer;
  /** For moods that show before anybody was named. */
  #count = 0;
  replySmtp: string;

  constructor(options: Options) {
    this.#options = options;
    this.replySmtp = options.replySmtp;
    this.#server = new SMTPServer({
      authOptional: true,
      disableReverseLookup: true,
      disabledCommands: ['STARTTLS'],
      size: MAX_SIZE,
      closeTimeout: 200,
      onAuth: (_auth, _session, done) => done(null, { user: 'anybody' }),
      onRcptTo: (address, session, done) => this.#onRecipient(address.address, session.id, done),
      onData: (stream, session, done) => {
        const to = session.envelope.rcptTo.map(({ address }) => address.toLowerCase());
        simpleParser(stream).then(
          (mail) => {
            for (const address of to) this.#arrive(address, mail);
            done(null, 'Message accepted');
          },
          (error: unknown) => done(error instanceof Error ? error : new Error('cannot be read')),
        );
      },
    });
    this.#server.on('error', () => undefined);
  }

  /** @returns the port on which it listens. */
  async listen(): Promise<number> {
    this.#server.listen(this.#options.port, this.#options.host);
    await Promise.race([
      once(this.#server.server, 'listening'),
      once(this.#server.server, 'error').then(([error]) => Promise.reject(error as Error)),
    ]);
    return (this.#server.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#server.close(() => resolve(undefined));
    await promise;
  }

  /** Answers a mail as a mail program does: to its Reply-To, quoting it. */
  async reply(mail: MailItem, text: string): Promise<MailItem> {
    this.#count += 1;
    const item: MailItem = {
      ...{
        type: 'mail',
        vendor: this.#options.vendor,
        direction: 'out',
        id: `${this.#options.vendor}-out-${this.#count}`,
        at: now(),
      },
      ...{ address: mail.address, from: mail.address, replyTo: null, html: null, text },
      ...{ subject: `Re: ${mail.subject}`, messageId: '', headers: {}, problem: null },
    };
    const transport = createTransport({
      url: this.replySmtp,
      ...{ connectionTimeout: 5000, greetingTimeout: 5000, socketTimeout: 10_000 },
      tls: { rejectUnauthorized: false },
    });
    try {
      const quoted = mail.text.replace(/^/gm, '> ');
      await transport.sendMail({
        ...{ from: mail.address, to: mail.replyTo ?? mail.from, subject: item.subject },
        ...{ inReplyTo: mail.messageId, references: mail.messageId },
        text: `${text}\n\nOn ${mail.at}, ${mail.from} wrote:\n${quoted}`,
      });
    } catch (error) {
      item.problem = error instanceof Error ? error.message : 'The reply was not taken.';
    } finally {
      transport.close();
    }
    this.#options.ledger.put(item);
    return item;
  }

  #onRecipient(address: string, sessionId: string, done: (error?: Error | null) => void): void {
    const to = address.toLowerCase();
    const mood = this.#options.moods.take('mail', to, this.#options.vendor);
    this.#count += 1;
    const { vendor } = this.#options;
    const seen = { type: 'request', vendor, door: 'mail', summary: 'RCPT TO' } as const;
    const id = `request-${vendor}-${this.#count}`;
    this.#options.ledger.put({ ...seen, id, at: now(), address: to, mood: mood.kind });
    if (mood.kind === 'hang') return;
    if (mood.kind === 'refuse') {
      this.#drop(sessionId);
      return;
    }
    if (mood.kind !== 'status') {
      done();
      return;
    }
    // SMTP's codes stand in `code`; an HTTP status alone means a temporary or permanent refusal.
    const responseCode = mood.code ?? (mood.status >= 500 ? 451 : 550);
    done(Object.assign(new Error('refused as the mood demands'), { responseCode }));
  }

  #drop(sessionId: string): void {
    for (const connection of this.#server.connections as Set<{ id: string; _socket: Socket }>)
      if (connection.id === sessionId) connection._socket.destroy();
  }

  #arrive(address: string, mail: ParsedMail): void {
    this.#count += 1;
    const item: MailItem = {
      ...{
        type: 'mail',
        vendor: this.#options.vendor,
        direction: 'in',
        id: `${this.#options.vendor}-in-${this.#count}`,
        at: now(),
        address,
      },
      ...{ from: mail.from?.text ?? '', replyTo: mail.replyTo?.value[0]?.address ?? null },
      ...{ subject: mail.subject ?? '', text: mail.text ?? '', html: mail.html || null },
      ...{ messageId: mail.messageId ?? '', headers: plainHeaders(mail), problem: null },
    };
    this.#options.ledger.put(item);
  }
}

function plainHeaders(mail: ParsedMail): Readonly<Record<string, string>> {
  return Object.fromEntries(
    mail.headerLines
      .slice(0, 50)
      .map(({ key, line }) => [key, line.slice(line.indexOf(':') + 1).trim()]),
  );
}

function now(): string {
  return new Date().toISOString();
}
