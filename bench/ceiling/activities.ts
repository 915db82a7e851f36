import type { Client } from '@temporalio/client';

export interface CeilingActivities {
  startSecond(id: string): Promise<void>;
  empty(what: string): Promise<void>;
}

export const CEILING_QUEUE = 'bench-ceiling';

/** `paged` is called when the second workflow's activity runs: where the product would call a provider. */
export function createCeilingActivities(client: Client, paged: () => void): CeilingActivities {
  return {
    startSecond: async (id) => {
      await client.workflow.signalWithStart('second', {
        workflowId: `ceiling/second/${id}`,
        taskQueue: CEILING_QUEUE,
        signal: 'go',
        signalArgs: [id],
        args: [],
      });
    },
    empty: (what) => {
      if (what.startsWith('page')) paged();
      return Promise.resolve();
    },
  };
}
