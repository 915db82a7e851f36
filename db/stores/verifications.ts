import { countRows, type Trx } from './table.ts';

/** One code that was sent to prove an address; only its hash is kept. */
export interface Verification {
  readonly userId: string;
  readonly contactMethodId: string;
  readonly codeHash: string;
  readonly sentAt: string;
  readonly expiresAt: string;
  readonly attempts: number;
}

interface Row {
  readonly user_id: string;
  readonly contact_method_id: string;
  readonly code_hash: string;
  readonly sent_at: string;
  readonly expires_at: string;
  readonly attempts: number;
}

/** Codes sent to any of the user's methods since then, also to methods deleted meanwhile. */
export async function countSentSince(trx: Trx, userId: string, since: string): Promise<number> {
  return await countRows(
    trx('contact_verifications').where({ user_id: userId }).where('sent_at', '>', since),
  );
}

/** Records a code; codes sent earlier to this method count no longer. */
export async function insertVerification(
  trx: Trx,
  accountId: string,
  verification: Verification,
): Promise<void> {
  await expireVerifications(trx, verification.contactMethodId, verification.sentAt);
  await trx('contact_verifications').insert({
    account_id: accountId,
    user_id: verification.userId,
    contact_method_id: verification.contactMethodId,
    code_hash: verification.codeHash,
    sent_at: verification.sentAt,
    expires_at: verification.expiresAt,
    attempts: verification.attempts,
  });
}

/** Makes every code of the method useless: after use, and when its address changes. */
export async function expireVerifications(
  trx: Trx,
  contactMethodId: string,
  now: string,
): Promise<void> {
  await trx('contact_verifications')
    .where({ contact_method_id: contactMethodId })
    .where('expires_at', '>', now)
    .update({ expires_at: now });
}

/** Counts one try against the method's valid code and returns that code, if there is one. */
export async function countAttempt(
  trx: Trx,
  contactMethodId: string,
  now: string,
): Promise<Verification | undefined> {
  const rows = (await trx('contact_verifications')
    .where({ contact_method_id: contactMethodId })
    .where('expires_at', '>', now)
    .increment('attempts', 1)
    .returning('*')) as Row[];
  return rows.map(toVerification)[0];
}

function toVerification(row: Row): Verification {
  return {
    userId: row.user_id,
    contactMethodId: row.contact_method_id,
    codeHash: row.code_hash,
    sentAt: row.sent_at,
    expiresAt: row.expires_at,
    attempts: row.attempts,
  };
}
