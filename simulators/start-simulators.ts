import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

import express from 'express';
import type { NextFunction, Request, Response } from 'express';
import { ZodError } from 'zod';

import { openJsonLines } from '../platform/json-lines.ts';
import type { Logger } from '../platform/logger.ts';
import { createControlRouter } from './control.ts';
import type { Person } from './items.ts';
import { Ledger } from './ledger.ts';
import { Mailbox } from './mailbox.ts';
import { Moods } from './moods.ts';
import { createNtfyRouter } from './ntfy.ts';
import { SimulatedTwilio } from './twilio/account.ts';
import { createTwilioRouter } from './twilio/rest.ts';
import { SimulatedVonage } from './vonage/account.ts';
import type { VonageCredentials } from './vonage/account.ts';
import { createVonageRouter } from './vonage/rest.ts';

export interface SimulatorOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly smtpPort: number;
  /** The second mail relay’s. */
  readonly smtp2Port: number;
  readonly twilioSid: string;
  readonly twilioToken: string;
  readonly vonage: VonageCredentials;
  /** `smtp://host:port` to which replies by mail go. */
  readonly replySmtp: string;
  /** Where the simulated Twilio posts texts that a phone sends. */
  readonly smsUrl: string;
  /** Where the simulated Vonage does. */
  readonly vonageSmsUrl: string;
  readonly people?: readonly Person[];
  /** Milliseconds from one status report to the next; 150 unless given. */
  readonly reportEveryMs?: number;
  /** File of JSON lines to which every entry of the ledger is appended. */
  readonly ledgerFile?: string | undefined;
  readonly logger: Logger;
}

export interface Simulators {
  /** The page; the simulated Twilio is at `/twilio`, Vonage at `/vonage`, ntfy at `/ntfy`, the control at `/control`. */
  readonly url: string;
  readonly smtpPort: number;
  readonly smtp2Port: number;
  close(): Promise<void>;
}

const pageFolder = fileURLToPath(new URL('page', import.meta.url));
const pagePolicy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src data:; frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/** Starts the stand-ins for telephony, push and mail in this process. Ends with `close`. */
export async function startSimulators(options: SimulatorOptions): Promise<Simulators> {
  const lines = options.ledgerFile === undefined ? null : openJsonLines(options.ledgerFile);
  const ledger = new Ledger((entry) => lines?.append(entry));
  const moods = new Moods();
  const common = { ledger, moods, reportEveryMs: options.reportEveryMs ?? 150 };
  const { host, replySmtp } = options;
  const relay = { host, replySmtp, ledger, moods };
  const mailbox = new Mailbox({ ...relay, vendor: 'smtp', port: options.smtpPort });
  const mailbox2 = new Mailbox({ ...relay, vendor: 'smtp-2', port: options.smtp2Port });
  const twilio = new SimulatedTwilio({
    ...{ ...common, sid: options.twilioSid, token: options.twilioToken, smsUrl: options.smsUrl },
  });
  const vonage = new SimulatedVonage({
    ...{ ...common, credentials: options.vonage, smsUrl: options.vonageSmsUrl },
  });
  const people = [...(options.people ?? [])];
  const app = createApp({ ledger, moods, mailbox, twilio, vonage, people });
  const server = createServer(app);
  server.listen(options.port, options.host);
  await once(server, 'listening');
  const [smtpPort, smtp2Port] = await Promise.all([mailbox.listen(), mailbox2.listen()]);
  const url = `http://${options.host}:${(server.address() as AddressInfo).port}`;
  options.logger.info({ url, smtpPort, smtp2Port }, 'simulators are ready');
  return {
    url,
    smtpPort,
    smtp2Port,
    close: async () => {
      twilio.close();
      vonage.close();
      server.closeAllConnections();
      server.close();
      await Promise.all([mailbox.close(), mailbox2.close()]);
      lines?.close();
    },
  };
}

function createApp(deps: Parameters<typeof createControlRouter>[0]): express.Express {
  const app = express();
  app.disable('x-powered-by');
  app.use('/twilio', createTwilioRouter(deps.twilio));
  app.use('/vonage', createVonageRouter(deps.vonage));
  app.use('/ntfy', createNtfyRouter(deps));
  app.use('/control', createControlRouter(deps));
  app.use((_request, response, next) => {
    response.set({ 'Content-Security-Policy': pagePolicy, 'X-Content-Type-Options': 'nosniff' });
    next();
  });
  app.use(express.static(pageFolder, { cacheControl: false }));
  app.use((error: unknown, _request: Request, response: Response, next: NextFunction) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    const message = error instanceof ZodError ? error.message : String(error);
    response.status(400).json({ error: message });
  });
  return app;
}
