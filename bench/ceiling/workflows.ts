import {
  condition,
  defineSignal,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

import type { CeilingActivities } from './activities.ts';

/**
 * The same engine operations as one paged incident, with no logic in them: a start with a signal, a local
 * activity that starts a second workflow with a signal, an activity there, and one write of each.
 */
const { startSecond } = proxyLocalActivities<CeilingActivities>({ startToCloseTimeout: '5 s' });
const { empty } = proxyActivities<CeilingActivities>({ startToCloseTimeout: '10 s' });
const status = defineSearchAttributeKey('PdliteStatus', SearchAttributeType.KEYWORD);

export const go = defineSignal<[string]>('go');

export async function first(): Promise<void> {
  let id: string | undefined;
  setHandler(go, (value) => {
    id = value;
  });
  await condition(() => id !== undefined);
  await startSecond(id ?? '');
  upsertSearchAttributes([{ key: status, value: 'triggered' }]);
  await empty('project');
}

export async function second(): Promise<void> {
  let id: string | undefined;
  setHandler(go, (value) => {
    id = value;
  });
  await condition(() => id !== undefined);
  await empty(`page ${id ?? ''}`);
  await empty('project');
}
