import { createHash } from 'node:crypto';

import type { Directory } from '../domain/directory.ts';
import type { Outgoing, ProviderList } from '../providers/provider.ts';
import type { ApiDeps } from './deps.ts';

type SendVerification = NonNullable<ApiDeps['sendVerification']>;
type Verification = Parameters<SendVerification>[0];

/**
 * Sends codes by the channel's providers in turn. A voice method gets its code as a text message to the same
 * number. Rejects when no provider took it.
 */
export function createVerificationSender(
  providers: ProviderList,
  directory: Directory,
): SendVerification {
  return async (verification) => {
    const message = messageFor(verification, directory);
    const digest = createHash('sha256').update(verification.code).digest('hex').slice(0, 16);
    const key = `verify-${verification.contactMethodId}-${digest}`;
    let failure: unknown = new Error(`no provider for ${message.channel}`);
    for (const provider of providers[message.channel]) {
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

function messageFor(verification: Verification, directory: Directory): Outgoing {
  const { channel, address: to, code } = verification;
  const text = `${code} is your PD Lite verification code. It is good for 10 minutes.`;
  switch (channel) {
    case 'sms':
    case 'voice':
      return { channel: 'sms', to, text, callbacks: null };
    case 'email': {
      const html = `<p><strong>${code}</strong> is your PD Lite verification code. It is good for 10 minutes.</p>`;
      return { channel, to, subject: 'Your PD Lite verification code', text, html, replyTo: null };
    }
    case 'push':
      return { channel, to, title: 'PD Lite verification', text, urgent: false, actions: [] };
    case 'webhook': {
      const { contactMethodId } = verification;
      const body = {
        type: 'contact_method.verification',
        contact_method_id: contactMethodId,
        code,
      };
      return { channel, to, secret: secretOf(verification, directory), body };
    }
  }
}

function secretOf(
  { accountId, userId, contactMethodId }: Verification,
  directory: Directory,
): string {
  const methods = directory.account(accountId)?.users.get(userId)?.contactMethods ?? [];
  const secret = methods.find(({ id }) => id === contactMethodId)?.secret;
  if (!secret) throw new Error('the webhook has no secret yet');
  return secret;
}
