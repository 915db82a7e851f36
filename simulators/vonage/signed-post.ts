import { createHash, createHmac, randomUUID } from 'node:crypto';

/** What a webhook answered; status 0 when nothing came, and then why. */
export interface WebhookAnswer {
  readonly status: number;
  readonly body: string;
  readonly problem: string | null;
}

export interface Signer {
  readonly apiKey: string;
  readonly applicationId: string;
  readonly signatureSecret: string;
}

const MAX_BODY = 65_536;
const TIMEOUT_MS = 10_000;

/** The token of a signed webhook: HS256 over claims that name the body's SHA-256. */
export function webhookToken(signer: Signer, body: string, nowMs = Date.now()): string {
  const claims = {
    ...{ iss: 'Vonage', jti: randomUUID(), iat: Math.floor(nowMs / 1000) },
    ...{ api_key: signer.apiKey, application_id: signer.applicationId },
    payload_hash: createHash('sha256').update(body).digest('hex'),
  };
  const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  const mac = createHmac('sha256', signer.signatureSecret).update(signed).digest('base64url');
  return `${signed}.${mac}`;
}

/** Posts JSON as Vonage does: signed, no redirects, 10 s in all, one retry when nothing answers. */
export async function postSigned(
  signer: Signer,
  url: string,
  content: object,
): Promise<WebhookAnswer> {
  const first = await post(signer, url, JSON.stringify(content));
  return first.status === 0 ? post(signer, url, JSON.stringify(content)) : first;
}

async function post(signer: Signer, url: string, body: string): Promise<WebhookAnswer> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        Authorization: `Bearer ${webhookToken(signer, body)}`,
      },
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = (await response.text()).slice(0, MAX_BODY);
    return { status: response.status, body: text, problem: null };
  } catch (error) {
    return { status: 0, body: '', problem: error instanceof Error ? error.message : 'failed' };
  }
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
