import { z } from 'zod';

/** Addresses to which a link leads, `host:port`. */
export const targetsSchema = z.array(z.string()).min(1).max(10);

/** What the agent's process is told: the path of a JSON file of this form is its only argument. */
export const agentSettingsSchema = z.strictObject({
  /** Of the control, on 127.0.0.1. */
  port: z.number().int().min(0).max(65535),
  token: z.string().min(16),
  ledgerFile: z.string(),
  links: z.record(
    z.string(),
    z.strictObject({
      port: z.number().int().min(1).max(65535),
      targets: targetsSchema,
      healthPath: z.string().optional(),
    }),
  ),
  simulators: z.record(z.string(), z.url()),
  postgres: z.record(z.string(), z.string()),
  /** Of processes whose clocks can be set: the file of each, see `clockEnvironment`. */
  clocks: z.record(z.string(), z.string()).default({}),
});

export type AgentSettings = z.infer<typeof agentSettingsSchema>;
