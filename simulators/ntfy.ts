import { randomBytes } from 'node:crypto';

import { Router, json } from 'express';
import { z } from 'zod';

import { spoil } from './http-mood.ts';
import type { PushItem } from './items.ts';
import type { Ledger } from './ledger.ts';
import type { Mood, Moods } from './moods.ts';

const publish = z.object({
  topic: z.string().regex(/^[-_A-Za-z0-9]{1,64}$/),
  title: z.string().default(''),
  message: z.string().default('triggered'),
  priority: z.number().int().min(1).max(5).default(3),
  tags: z.array(z.string()).optional(),
  actions: z
    .array(
      z.object({
        action: z.enum(['view', 'http', 'broadcast']),
        label: z.string(),
        url: z.url(),
        method: z.string().default('POST'),
        headers: z.record(z.string(), z.string()).default({}),
        body: z.string().default(''),
        clear: z.boolean().optional(),
      }),
    )
    .max(3)
    .default([]),
});

/** ntfy's publishing as JSON: `POST /`. Topics are e.g. `pdlite-ada`. */
export function createNtfyRouter({ ledger, moods }: { ledger: Ledger; moods: Moods }): Router {
  const router = Router();
  let requests = 0;
  router.post('/', json({ limit: '64kb', type: () => true }), (request, response) => {
    const parsed = publish.safeParse(request.body);
    const topic = parsed.data?.topic ?? '';
    const mood = moods.take('push', topic, 'ntfy');
    const id = randomBytes(9).toString('base64url').replace(/[-_]/g, 'x');
    const at = new Date().toISOString();
    requests += 1;
    const seen = { type: 'request', vendor: 'ntfy', door: 'push', summary: 'POST /' } as const;
    ledger.put({ ...seen, id: `request-push-${requests}`, at, address: topic, mood: mood.kind });
    if (spoil(request, response, mood, errorBody)) return;
    if (!parsed.success) {
      response
        .status(400)
        .json({ code: 40024, http: 400, error: 'invalid request: body is not valid' });
      return;
    }
    const item = toItem(parsed.data, id, at);
    ledger.put(item);
    const { title, text: message, priority } = item;
    const time = Math.floor(Date.parse(at) / 1000);
    response.json({
      id,
      time,
      expires: time + 43_200,
      event: 'message',
      topic,
      title,
      message,
      priority,
    });
  });
  router.get('/v1/health', (request, response) => {
    if (!spoil(request, response, moods.look('push', 'ntfy'), errorBody))
      response.json({ healthy: true });
  });
  return router;
}

/** A person presses an action on the notification: the phone itself makes the request. */
export async function pressAction(
  ledger: Ledger,
  item: PushItem,
  label: string,
): Promise<PushItem> {
  const action = item.actions.find((candidate) => candidate.label === label);
  if (!action) throw new Error(`The notification has no action “${label}”.`);
  const pressed = await fetch(action.url, {
    method: action.method,
    headers: { 'User-Agent': 'ntfy/1.16', ...action.headers },
    ...(action.method === 'GET' ? {} : { body: action.body }),
    signal: AbortSignal.timeout(15_000),
  })
    .then(async (answer) => ({
      status: answer.status,
      answer: (await answer.text()).slice(0, 2000),
    }))
    .catch((error: unknown) => ({ status: 0, answer: String(error) }));
  if (item.pressed.length < 20) item.pressed.push({ label, ...pressed });
  ledger.put(item);
  return item;
}

function toItem(message: z.infer<typeof publish>, id: string, at: string): PushItem {
  return {
    ...{ type: 'push', id: `push-${id}`, at, address: message.topic, title: message.title },
    ...{ text: message.message, priority: message.priority, actions: message.actions, pressed: [] },
  };
}

function errorBody(mood: Mood): unknown {
  return {
    code: mood.code ?? mood.status * 100 + 1,
    http: mood.status,
    error: 'as the mood demands',
  };
}
