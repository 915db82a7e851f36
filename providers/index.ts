import type { Channel } from '../domain/model.ts';
import type { Config, ProviderConfig } from '../platform/config.ts';
import type { Logger } from '../platform/logger.ts';
import { createNtfyProvider } from './ntfy/ntfy-provider.ts';
import type { Provider, ProviderList } from './provider.ts';
import { createSmtpProvider } from './smtp/smtp-provider.ts';
import { createTwilioProvider } from './twilio/twilio-provider.ts';
import { createVonageProvider } from './vonage/vonage-provider.ts';
import { createWebhookProvider } from './webhook/webhook-provider.ts';

const CHANNELS: readonly Channel[] = ['email', 'sms', 'voice', 'push', 'webhook'];

/** The configured providers of each channel, in the order of the configuration. */
export function createProviders(config: Config, { logger }: { logger: Logger }): ProviderList {
  const all = config.PROVIDERS.map((item) => createProvider(item, config));
  const of = (channel: Channel) => all.filter((provider) => provider.channels.includes(channel));
  const missing = CHANNELS.filter((channel) => of(channel).length === 0);
  if (missing.length > 0) logger.warn({ channels: missing }, 'channels without a provider');
  return {
    email: of('email'),
    sms: of('sms'),
    voice: of('voice'),
    push: of('push'),
    webhook: of('webhook'),
  };
}

function createProvider(item: ProviderConfig, config: Config): Provider {
  switch (item.kind) {
    case 'twilio':
      return createTwilioProvider(item);
    case 'vonage':
      return createVonageProvider(item);
    case 'smtp':
      return createSmtpProvider(item);
    case 'ntfy':
      return createNtfyProvider(item);
    case 'webhook':
      return createWebhookProvider(item, { allowedHosts: config.WEBHOOK_ALLOWED_HOSTS });
  }
}
