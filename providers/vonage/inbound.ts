import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

import { z } from 'zod';

import type { Config } from '../../platform/config.ts';

/** Where Vonage calls back, below PUBLIC_URL. */
export const VONAGE_PATH = '/inbound/vonage';

/** A token is worth nothing this long before or after it was made. */
const TOKEN_LIFE_SEC = 300;
const MAX_TOKEN = 4096;

const claims = z.object({
  iat: z.number(),
  exp: z.number().optional(),
  api_key: z.string(),
  application_id: z.string().optional(),
  payload_hash: z.string(),
});
type Claims = z.infer<typeof claims>;

/**
 * Whether Vonage signed this body: an HS256 token in `Authorization`, made within five minutes with the signature
 * secret of one of the configured accounts, that names the body's SHA-256. A token without a hash proves nothing.
 */
export function isSignedByVonage(
  config: Pick<Config, 'PROVIDERS'>,
  {
    authorization,
    body,
    nowMs,
  }: { readonly authorization: string; readonly body: Buffer; readonly nowMs: number },
): boolean {
  const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization)?.[1];
  if (token === undefined || token.length > MAX_TOKEN) return false;
  const proven = readClaims(token);
  if (!proven || !isFresh(proven, nowMs / 1000)) return false;
  const hash = createHash('sha256').update(body).digest('hex');
  if (!sameText(proven.payload_hash.toLowerCase(), hash)) return false;
  return config.PROVIDERS.some(
    (item) =>
      item.kind === 'vonage' &&
      item.apiKey === proven.api_key &&
      (proven.application_id === undefined || item.applicationId === proven.application_id) &&
      isSignedWith(item.signatureSecret, token),
  );
}

/** What the token says of itself, before anything is proven; null when it is not of the expected form. */
function readClaims(token: string): Claims | null {
  const [header = '', payload = ''] = token.split('.');
  const { success } = z.object({ alg: z.literal('HS256') }).safeParse(decode(header));
  if (!success) return null;
  return claims.safeParse(decode(payload)).data ?? null;
}

function decode(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString()) as unknown;
  } catch {
    return null;
  }
}

function isFresh({ iat, exp }: Claims, nowSec: number): boolean {
  return Math.abs(nowSec - iat) <= TOKEN_LIFE_SEC && (exp === undefined || nowSec < exp);
}

function isSignedWith(secret: string, token: string): boolean {
  const end = token.lastIndexOf('.');
  const wanted = createHmac('sha256', secret).update(token.slice(0, end)).digest('base64url');
  return sameText(token.slice(end + 1), wanted);
}

function sameText(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}

const inboundText = z.object({
  channel: z.literal('sms'),
  message_uuid: z.string().min(1).max(100),
  from: z.string().regex(/^\+?\d{5,20}$/),
  text: z.string().max(10_000).default(''),
});
const messageStatus = z.object({
  message_uuid: z.string().min(1).max(100),
  status: z.string(),
  client_ref: z.string().max(300).optional(),
  error: z.object({ type: z.string().optional() }).optional(),
});
const callEvent = z.object({ uuid: z.string().min(1).max(100), status: z.string() });
const callInput = z.object({
  uuid: z.string().min(1).max(100),
  dtmf: z.object({ digits: z.string().max(40).nullish(), timed_out: z.boolean().optional() }),
});

/** A text from a person; null when the webhook is about something else. The number has its plus again. */
export function readText(body: unknown) {
  const { data } = inboundText.safeParse(body);
  if (!data) return null;
  return { messageId: data.message_uuid, from: `+${data.from.replace('+', '')}`, text: data.text };
}

/** A report about a message; null when it is none. `code` is the number at the end of the error's type. */
export function readStatus(body: unknown) {
  const { data } = messageStatus.safeParse(body);
  if (!data) return null;
  return {
    providerId: data.message_uuid,
    status: data.status,
    deliveryId: data.client_ref ?? null,
    code: /#?(\d{4})$/.exec(data.error?.type ?? '')?.[1] ?? null,
  };
}

/** A report about a call; null when it is none. */
export function readEvent(body: unknown) {
  return callEvent.safeParse(body).data ?? null;
}

/** The keys that were pressed, empty when the time was over; null when the webhook is about something else. */
export function readInput(body: unknown) {
  const { data } = callInput.safeParse(body);
  return data ? { callId: data.uuid, digits: data.dtmf.digits ?? '' } : null;
}

/** A script for a call: the vendor's NCCO. */
export type Ncco = readonly Readonly<Record<string, unknown>>[];

/** Says something; the call is over at the end of the script. */
export function goodbyeNcco(text: string): Ncco {
  return [{ action: 'talk', text: plain(text) }];
}

/** Says something, and posts the first key that is pressed, or that none was, to `eventUrl`. */
export function listeningNcco(text: string, eventUrl: string): Ncco {
  return [
    { action: 'talk', text: plain(text), bargeIn: true },
    {
      ...{ action: 'input', type: ['dtmf'], dtmf: { maxDigits: 1, timeOut: 10 } },
      ...{ eventUrl: [eventUrl], eventMethod: 'POST' },
    },
  ];
}

/** The vendor would read `<` as the begin of SSML. */
function plain(text: string): string {
  const words = text.replaceAll('<', ' less than ').replaceAll('>', ' greater than ');
  return words.replace(/\s+/g, ' ').slice(0, 1500);
}
