import type { Trx } from './table.ts';

/** Notes that this contact method wants no messages since `at`, or, with null, wants them again. */
export async function setOptOut(
  trx: Trx,
  contactMethodId: string,
  at: string | null,
): Promise<void> {
  await trx('contact_methods').where({ id: contactMethodId }).update({ opted_out_at: at });
}
