import { startAuditSigner, type AuditSigner, type PublishHeads } from '../db/audit-signer.ts';
import { readSigningKey } from '../platform/audit-key.ts';
import { auditChanged, auditUnsigned } from '../platform/audit-metrics.ts';
import type { Config } from '../platform/config.ts';
import type { Logger } from '../platform/logger.ts';
import type { ProviderList } from '../providers/provider.ts';

const POST_LIMIT_MS = 5000;
/** A mail a minute is a mail that nobody keeps. */
const MAIL_EVERY_MS = 15 * 60_000;

/**
 * Starts signing the audit log where the configuration names a key and a file; undefined where it does not.
 * @throws Error when the key cannot be read.
 */
export function startSigning(
  config: Config,
  providers: ProviderList,
  logger: Logger,
): AuditSigner | undefined {
  const { AUDIT_KEY_FILE: keyFile, AUDIT_HEADS_FILE: headsFile } = config;
  if (keyFile === undefined || headsFile === undefined) return undefined;
  return startAuditSigner({
    url: config.DIRECTORY_DATABASE_URL,
    headsFile,
    privateKey: readSigningKey(keyFile),
    publish: publisher(config.AUDIT_HEADS_URL, providers),
    logger,
    now: () => new Date(),
    meter: {
      unsigned: (records) => auditUnsigned.set(records),
      changed: (accounts) => auditChanged.set(accounts),
    },
  });
}

function publisher(url: string | undefined, providers: ProviderList): PublishHeads | null {
  if (url === undefined) return null;
  return url.startsWith('mailto:') ? mailer(url.slice('mailto:'.length), providers) : poster(url);
}

/** Any answer but 2xx makes the lines come again; a receiver tells them apart by `n`. */
export function poster(url: string): PublishHeads {
  return async (lines) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: lines,
      redirect: 'error',
      signal: AbortSignal.timeout(POST_LIMIT_MS),
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`The address for audit heads answers ${response.status}.`);
    return true;
  };
}

/** By the first mail provider that takes it, at most one mail in 15 minutes. */
export function mailer(
  to: string,
  { email }: Pick<ProviderList, 'email'>,
  now: () => number = Date.now,
): PublishHeads {
  let sentAt = Number.NEGATIVE_INFINITY;
  return async (lines) => {
    if (now() - sentAt < MAIL_EVERY_MS) return false;
    const heads = lines.split('\n').length - 1;
    const subject = `Audit log: ${heads} signed head${heads === 1 ? '' : 's'}`;
    const text = `Keep this mail. It proves what the audit log held.\n\n${lines}`;
    const html = `<p>Keep this mail. It proves what the audit log held.</p><pre>${escaped(lines)}</pre>`;
    const key = `audit-heads/${/"n":(\d+)/.exec(lines)?.[1] ?? ''}`;
    let failure: unknown = new Error('There is no mail provider.');
    for (const provider of email) {
      try {
        await provider.send({ channel: 'email', to, subject, text, html, replyTo: null }, key);
        sentAt = now();
        return true;
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  };
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
