import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { configurationPage } from './config-page.ts';
import { ConfigError, loadConfig } from './config.ts';

/** The environment is read once: every error is told at once, and nothing insecure starts in public. */
describe('loadConfig', () => {
  it('takes unset and empty as the default', () => {
    expect(loadConfig({ API_PORT: '' }).API_PORT).toBe(8080);
  });

  it('names every wrong variable at once', () => {
    const load = (): unknown =>
      loadConfig({ API_PORT: 'x', PROVIDERS: '[{', LINK_SECRET: 'short' });
    expect(load).toThrow(ConfigError);
    expect(load).toThrow(/3 error[\s\S]*API_PORT[\s\S]*PROVIDERS[\s\S]*LINK_SECRET/);
  });

  it('refuses two providers with one id', () => {
    const webhook = { id: 'w', kind: 'webhook' };
    expect(() => loadConfig({ PROVIDERS: JSON.stringify([webhook, webhook]) })).toThrow(/differ/);
  });

  it('refuses the development secret under a public URL', () => {
    expect(() => loadConfig({ PUBLIC_URL: 'https://pdlite.example.com' })).toThrow(/LINK_SECRET/);
  });
});

describe('docs/configuration.md', () => {
  it('is what the schema says', () => {
    expect(readFileSync('docs/configuration.md', 'utf8')).toBe(configurationPage());
  });
});
