import { defineConfig } from 'vitest/config';

/** Tests that stand beside their code and need PostgreSQL or Temporal are named so. */
const withServers = [
  'db/**/*.test.ts',
  '{api,activities,worker,temporal-config}/**/*.integration.test.ts',
];
const besideCode =
  '{domain,platform,db,providers,workflows,activities,temporal-config,api,worker,watchdog,simulators,gamedays,console,cli,bench,bin}/**/*.test.{ts,mjs}';

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    reporters: ['default'],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: [besideCode],
          exclude: ['node_modules/**', ...withServers],
          testTimeout: 20_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'workflow',
          include: ['test/{workflow,replay}/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 180_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: [...withServers, 'test/**/*.test.ts'],
          exclude: ['test/{workflow,replay}/**', 'node_modules/**'],
          globalSetup: ['test/support/global-setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
