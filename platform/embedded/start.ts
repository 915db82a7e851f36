import { ConfigError } from '../config.ts';
import { printWelcome } from './banner.ts';
import { readSettings, StartError } from './settings.ts';
import { Stack } from './stack.ts';

/**
 * `npm start`: the whole product on one machine. Starts everything in order, keeps it running (a process
 * that dies is started again), and stops it in the reverse order on Ctrl-C or SIGTERM.
 */
async function main(): Promise<void> {
  const settings = await readSettings();
  const stack = new Stack(settings);
  let stopping: Promise<void> | undefined;
  const stop = (): void => {
    stopping ??= stack.stop().then(() => process.exit(0));
  };
  // SIGHUP: the terminal was closed; whatever is printed after that goes nowhere.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  try {
    const firstRun = await stack.start();
    printWelcome(settings, stack.processes(), firstRun);
  } catch (error) {
    if (stopping !== undefined) return;
    console.error(`\n✗ ${explain(error)}`);
    await stack.stop();
    process.exit(1);
  }
}

function explain(error: unknown): string {
  if (error instanceof StartError || error instanceof ConfigError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

try {
  await main();
} catch (error) {
  console.error(`✗ ${explain(error)}`);
  process.exitCode = 1;
}
