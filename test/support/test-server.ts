import { findTemporalCli, findTestServer } from '../../platform/embedded/find-temporal.ts';

const log = (line: string) => process.stderr.write(`${line}\n`);

/** The time-skipping server's executable, fetched into the ignored cache on first use. */
export function testServerPath(): Promise<string> {
  return findTestServer({ log });
}

/** The `temporal` command line with its development server. */
export function temporalCliPath(): Promise<string> {
  return findTemporalCli({ log });
}
