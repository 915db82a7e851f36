import { condition } from '@temporalio/workflow';

/** A workflow of the same name that did something else: its histories cannot be gone on with by the real one. */
export async function responder(): Promise<void> {
  await condition(() => false, '7 days');
}
