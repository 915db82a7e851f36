// Property: a log line is JSON with fixed names, and never holds a key, an address or a message's text.
import { expect, test } from 'vitest';

import { createLogger, temporalLogger } from './logger.ts';

function record() {
  const lines: Record<string, unknown>[] = [];
  const destination = {
    write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>),
  };
  return { lines, logger: createLogger({ name: 'worker', level: 'debug', destination }) };
}

test('time is ISO and the level a word', () => {
  const { lines, logger } = record();
  logger.info({ incidentId: 'Q1' }, 'incident triggered');
  expect(lines[0]).toMatchObject({
    process: 'worker',
    level: 'info',
    incidentId: 'Q1',
    msg: 'incident triggered',
  });
  expect(lines[0]?.['time']).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
});

test.each([
  'authorization',
  'routing_key',
  'token',
  'password',
  'secret',
  'phone',
  'email',
  'to',
  'body',
])('%s is hidden on every level of a line', (field) => {
  const { lines, logger } = record();
  const hush = { [field]: 'hush-4711' };
  logger.warn({ ...hush, request: { ...hush, headers: hush } }, 'refused');
  expect(JSON.stringify(lines)).not.toContain('hush-4711');
  expect(JSON.stringify(lines)).toContain('[hidden]');
});

test('what comes with an error is hidden too, and the line’s fields stay as they were', () => {
  const { lines, logger } = record();
  const err = Object.assign(new Error('refused'), { address: '10.0.0.1', port: 5432 });
  const fields = { err, list: [{ to: 'ada' }], none: { phone: undefined, note: null } };
  logger.child({ token: 'hush' }).warn(fields, 'lost');
  expect(lines[0]).toMatchObject({
    ...{ token: '[hidden]', list: [{ to: '[hidden]' }], none: { note: null } },
    err: { type: 'Error', message: 'refused', address: '[hidden]', port: 5432 },
  });
  expect(fields.list).toEqual([{ to: 'ada' }]);
});

test('the Temporal SDK’s lines get the same shape', () => {
  const { lines, logger } = record();
  temporalLogger(logger).warn('activity failed', { workflowId: 'w', error: new Error('no') });
  expect(lines[0]).toMatchObject({ level: 'warn', workflowId: 'w', err: { message: 'no' } });
});

test('what the SDK’s worker says of its own life is no news', () => {
  const { lines, logger } = record();
  const sdk = temporalLogger(logger);
  sdk.info('Worker state changed', { sdkComponent: 'worker', state: 'DRAINING' });
  sdk.warn('No workflows registered, not polling for workflow tasks', { sdkComponent: 'worker' });
  sdk.warn('Activity failed', { sdkComponent: 'worker', taskToken: 'x'.repeat(200) });
  sdk.info('from a workflow', { sdkComponent: 'workflow' });
  expect(lines.map(({ level }) => level)).toEqual(['debug', 'debug', 'warn', 'info']);
  expect(lines[2]).not.toHaveProperty('taskToken');
});
