import { timingSafeEqual } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import express, { type NextFunction, type Request, type Response } from 'express';
import { z, ZodError } from 'zod';

import { targetsSchema } from './agent-settings.ts';
import { PlaceTaken, type FaultAgent } from './agent.ts';
import { faultSchema, LEASE_MS } from './fault.ts';

const order = z.strictObject({
  fault: faultSchema,
  /** Milliseconds without renewal after which the fault ends. */
  ttlMs: z.number().int().min(500).max(LEASE_MS).default(LEASE_MS),
});
/** An end that takes longer is answered 202; ask again. */
const OFF_WAIT_MS = 2000;
const led = z.strictObject({ targets: targetsSchema });
const named = z.strictObject({ pid: z.number().int().min(2) });

/**
 * The agent's control over HTTP, for whoever holds the token:
 * `POST /faults`, `PUT /faults/{id}` (renews), `DELETE /faults/{id}` (204: it is over), `GET /faults`,
 * `PUT /processes/{name}`, `PUT /links/{name}` (leads it elsewhere for good).
 */
export function createControlApi(agent: FaultAgent, token: string): express.Express {
  const app = express();
  app.disable('x-powered-by');
  app.use((request, response, next) => {
    if (mayControl(request, token)) next();
    else response.status(401).json({ error: 'The token is wrong or missing.' });
  });
  app.use(express.json({ limit: '64kb' }));
  app.get('/faults', (_request, response) => {
    response.json({ faults: agent.list() });
  });
  app.post('/faults', async (request, response) => {
    const { fault, ttlMs } = order.parse(request.body);
    response.status(201).json({ id: await agent.on(fault, ttlMs) });
  });
  app.put('/faults/:id', (request, response) => {
    if (agent.renew(request.params.id)) response.status(204).end();
    else response.status(404).json({ error: 'That fault is over.' });
  });
  app.delete('/faults/:id', async (request, response) => {
    const over = agent.off(request.params.id).then(() => 204);
    response.status(await Promise.race([over, sleep(OFF_WAIT_MS, 202)])).end();
  });
  app.put('/processes/:name', (request, response) => {
    agent.processes.name(request.params.name, named.parse(request.body).pid);
    response.status(204).end();
  });
  app.put('/links/:name', (request, response) => {
    agent.lead(request.params.name, led.parse(request.body).targets);
    response.status(204).end();
  });
  app.use((error: unknown, _request: Request, response: Response, next: NextFunction) => {
    if (response.headersSent) next(error);
    else response.status(statusOf(error)).json({ error: textOf(error) });
  });
  return app;
}

function mayControl(request: Request, token: string): boolean {
  const given = Buffer.from(request.get('authorization') ?? '');
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

function statusOf(error: unknown): number {
  if (error instanceof PlaceTaken) return 409;
  return error instanceof RangeError || error instanceof ZodError ? 400 : 500;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
