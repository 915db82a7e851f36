import { Router, json } from 'express';
import type { Response } from 'express';
import { z } from 'zod';

import type { LedgerEntry, Person } from './items.ts';
import type { Ledger } from './ledger.ts';
import type { Mailbox } from './mailbox.ts';
import { moodSchema } from './moods.ts';
import type { Moods } from './moods.ts';
import { pressAction } from './ntfy.ts';
import type { SimulatedTwilio } from './twilio/account.ts';
import type { SimulatedVonage } from './vonage/account.ts';

interface Deps {
  readonly ledger: Ledger;
  readonly moods: Moods;
  readonly twilio: SimulatedTwilio;
  readonly vonage: SimulatedVonage;
  readonly mailbox: Mailbox;
  readonly people: Person[];
}

const person = z.strictObject({
  name: z.string().max(100),
  addresses: z.array(z.string()).max(20),
});
const settings = z.strictObject({
  smsUrl: z.url().optional(),
  vonageSmsUrl: z.url().optional(),
  replySmtp: z.string().optional(),
});
const texting = z.strictObject({
  from: z.string(),
  text: z.string().max(1600),
  to: z.string().optional(),
});

/** What the page and the tests do to the phones: read what came, answer it, set moods. */
export function createControlRouter(deps: Deps): Router {
  const { ledger, moods, twilio, vonage, mailbox, people } = deps;
  const router = Router();
  router.use(json({ limit: '64kb' }));
  router.get('/ledger', async (request, response) => {
    const after = Number(request.query['after'] ?? 0);
    const waitMs = Math.min(30_000, Number(request.query['waitMs'] ?? 0));
    response.json({ entries: await ledger.waitAfter(after, waitMs) });
  });
  router.delete('/ledger', (_request, response) => {
    ledger.clear();
    response.status(204).end();
  });
  router.get('/stream', (_request, response) => stream(ledger, response));
  router.get('/people', (_request, response) => {
    response.json({ people });
  });
  router.post('/people', (request, response) => {
    people.splice(0, people.length, ...z.array(person).max(500).parse(request.body));
    response.status(204).end();
  });
  router.post('/settings', (request, response) => {
    const { smsUrl, vonageSmsUrl, replySmtp } = settings.parse(request.body);
    if (smsUrl !== undefined) twilio.smsUrl = smsUrl;
    if (vonageSmsUrl !== undefined) vonage.smsUrl = vonageSmsUrl;
    if (replySmtp !== undefined) mailbox.replySmtp = replySmtp;
    response.status(204).end();
  });
  router.get('/moods', (_request, response) => {
    response.json({ moods: moods.all() });
  });
  router.post('/moods', (request, response) => {
    moods.set(moodSchema.parse(request.body));
    response.status(204).end();
  });
  router.delete('/moods', (_request, response) => {
    moods.reset();
    twilio.forgetOptOuts();
    response.status(204).end();
  });
  router.post('/sms', async (request, response) => {
    const { from, text, to } = texting.parse(request.body);
    const sending =
      to !== undefined && vonage.owns(to)
        ? vonage.textFromPhone(from, text, to)
        : twilio.textFromPhone(from, text, to);
    response.json(await sending);
  });
  addCalls(router, deps);
  addAnswers(router, deps);
  return router;
}

function addCalls(router: Router, { twilio, vonage }: Deps): void {
  const move = z.discriminatedUnion('do', [
    z.strictObject({ do: z.literal('answer') }),
    z.strictObject({ do: z.literal('answer_as_machine') }),
    z.strictObject({ do: z.literal('press'), keys: z.string().regex(/^[0-9*#]{1,32}$/) }),
    z.strictObject({ do: z.literal('hang_up') }),
  ]);
  router.post('/calls/:id', (request, response) => {
    const call = twilio.call(request.params.id) ?? vonage.call(request.params.id);
    const asked = move.parse(request.body);
    if (!call) return void response.status(404).json({ error: 'There is no such call.' });
    let done = true;
    if (asked.do === 'answer') done = call.answer();
    else if (asked.do === 'answer_as_machine') done = call.answer('machine_start');
    else if (asked.do === 'press') done = call.press(asked.keys);
    else call.hangUp();
    response.status(done ? 200 : 409).json(call.item);
  });
}

function addAnswers(router: Router, { ledger, mailbox }: Deps): void {
  router.post('/mails/:id/reply', async (request, response) => {
    const { text } = z.strictObject({ text: z.string().max(10_000) }).parse(request.body);
    const mail = ledger.get(request.params.id);
    if (mail?.type !== 'mail')
      return void response.status(404).json({ error: 'There is no such mail.' });
    response.json(await mailbox.reply(mail, text));
  });
  router.post('/pushes/:id/press', async (request, response) => {
    const { label } = z.strictObject({ label: z.string() }).parse(request.body);
    const item = ledger.get(request.params.id);
    if (item?.type !== 'push' || !item.actions.some((action) => action.label === label))
      return void response.status(404).json({ error: 'There is no such notification or action.' });
    response.json(await pressAction(ledger, item, label));
  });
}

/** Server-sent events: all that there is, then each change. */
function stream(ledger: Ledger, response: Response): void {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  const send = (entry: LedgerEntry) => response.write(`data: ${JSON.stringify(entry)}\n\n`);
  response.write('retry: 1000\n\n');
  ledger.after(0).forEach(send);
  const stop = ledger.listen(send);
  const beat = setInterval(() => response.write(':\n\n'), 20_000);
  response.on('close', () => {
    clearInterval(beat);
    stop();
  });
}
