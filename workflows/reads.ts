import { ApplicationFailure, defineQuery, defineUpdate, setHandler } from '@temporalio/workflow';
import { READ } from '../domain/messages.ts';

/**
 * Answers reads of what a workflow knows, each by its name and at most one argument, in two ways: as queries, for
 * Temporal UI and for workflows that are over, and as the details of a refused update (docs/adr/0010), which leaves
 * no event. A read changes nothing.
 */
export function answerReads(reads: Readonly<Record<string, (argument: never) => unknown>>): void {
  for (const [name, read] of Object.entries(reads)) {
    setHandler(defineQuery<unknown, [never]>(name), read);
  }
  setHandler(defineUpdate<undefined, [string, unknown]>(READ), () => undefined, {
    validator: (name: string, argument) => {
      const read = reads[name];
      if (!read) throw ApplicationFailure.nonRetryable(`There is no read ${name}`);
      throw ApplicationFailure.nonRetryable(
        'The answer is in the details',
        READ,
        read(argument as never),
      );
    },
  });
}
