import type { Config } from '../platform/config.ts';
import type { Outgoing, ProviderList } from '../providers/provider.ts';
import type { ApiDeps } from './deps.ts';

/** Sends by the vendor's own providers first: an answer from another number confuses, but less than none. */
export function createTextSender(
  config: Pick<Config, 'PROVIDERS'>,
  { sms }: Pick<ProviderList, 'sms'>,
): NonNullable<ApiDeps['sendText']> {
  return async ({ vendor, to, text, key }) => {
    const own = new Set(config.PROVIDERS.filter(({ kind }) => kind === vendor).map(({ id }) => id));
    const ordered = [
      ...sms.filter(({ id }) => own.has(id)),
      ...sms.filter(({ id }) => !own.has(id)),
    ];
    const message: Outgoing = { channel: 'sms', to, text, callbacks: null };
    let failure: unknown = new Error('no provider for sms');
    for (const provider of ordered) {
      try {
        await provider.send(message, key);
        return;
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  };
}
