import type { ApiDeps } from '../deps.ts';
import type { Calls } from './calls.ts';
import type { TakeReport } from './receipts.ts';
import type { TakeText } from './texts.ts';

/** What every telephony vendor's routes hand over to, whatever its words. */
export interface Inbound {
  readonly deps: ApiDeps;
  readonly texts: TakeText;
  readonly calls: Calls;
  readonly reports: TakeReport;
}
