import { z } from 'zod';

import { configSchema } from './config.ts';

/** docs/configuration.md, from the schema that every process reads its environment with. */
export function configurationPage(): string {
  const schema = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' });
  const rows = Object.entries(schema.properties ?? {}).map(([name, property]) =>
    typeof property === 'boolean' ? '' : row(name, property),
  );
  return `# Configuration

Every process reads its environment once, at its start, and reports all errors together. Unset and empty
mean the default. Written by \`npm run gen\` from \`platform/config.ts\`.

| variable | meaning | default |
|---|---|---|
${rows.join('\n')}

## Providers

\`PROVIDERS\` is a JSON list. The order is the order in which the providers of a channel are tried.

\`\`\`json
[
  { "id": "twilio", "kind": "twilio", "channels": ["sms", "voice"], "accountSid": "AC…", "authToken": "…", "from": "+1…" },
  { "id": "mail", "kind": "smtp", "url": "smtps://user:password@mail.example.com:465", "from": "PD Lite <pages@example.com>" },
  { "id": "push", "kind": "ntfy", "baseUrl": "https://ntfy.example.com", "token": "…" },
  { "id": "webhook", "kind": "webhook" }
]
\`\`\`

Each takes \`timeoutMs\` (100 to 10,000, default 5,000): the limit of one try. \`twilio\` and \`ntfy\` take
\`baseUrl\`. More in [adding-a-provider.md](adding-a-provider.md).
`;
}

function row(name: string, property: z.core.JSONSchema.BaseSchema): string {
  const meaning = (property.description ?? '').replaceAll('|', '\\|');
  return `| \`${name}\` | ${meaning} | ${defaultOf(property)} |`;
}

function defaultOf(property: z.core.JSONSchema.BaseSchema): string {
  if (property.default === undefined) return 'unset';
  if (property['secret'] === true) return 'for development only';
  return `\`${typeof property.default === 'string' ? property.default : JSON.stringify(property.default)}\``;
}
