import { generateKeyPairSync } from 'node:crypto';

import type { VonageCredentials } from '../../simulators/vonage/account.ts';

let made: (VonageCredentials & { readonly privateKey: string }) | undefined;

/** An application of the simulated Vonage, with keys of this test's own. */
export function vonageCredentials(): VonageCredentials & { readonly privateKey: string } {
  made ??= {
    ...{ apiKey: 'canary-key', apiSecret: 'canary-vonage-secret' },
    ...{ applicationId: 'canary-application', signatureSecret: 'canary-signature-secret' },
    ...generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    }),
  };
  return made;
}

/** The entry of PROVIDERS that reaches the simulated Vonage of these simulators. */
export function vonageProvider(id: string, simulators: string, timeoutMs = 1500) {
  const { apiKey, apiSecret, applicationId, privateKey, signatureSecret } = vonageCredentials();
  return {
    ...{ id, kind: 'vonage', channels: ['sms', 'voice'], timeoutMs, apiKey, apiSecret },
    ...{ applicationId, privateKey, signatureSecret },
    ...{ apiUrl: `${simulators}/vonage`, restUrl: `${simulators}/vonage`, from: '+15005550007' },
  };
}
