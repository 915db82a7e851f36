import { createHmac, timingSafeEqual } from 'node:crypto';

/** What a link, or the address of a call's script, proves: whom it was sent to and what it may do. */
export interface TokenPayload {
  readonly v: 1;
  /** `link` acts by POST /answer, `voice` speaks and listens in a call, `reply` is for other ways back. */
  readonly kind: 'link' | 'reply' | 'voice';
  readonly accountId: string;
  readonly userId: string;
  readonly contactMethodId: string;
  /** Reply code of the pages it answers. */
  readonly code: string;
  /** Absent: the person chooses, as in a call. */
  readonly action?: 'acknowledge' | 'resolve' | 'escalate';
  readonly incidentIds: readonly string[];
  /** What the page shows or the call says. */
  readonly text?: string;
  /** Unique; becomes the reply's id, so that the responder counts it once. */
  readonly tokenId: string;
  /** Milliseconds since 1970; at this instant it is worthless. */
  readonly expiresAtMs: number;
}

/** What a signed reply address proves. Ids and code are upper case, whatever mail systems made of them. */
export interface ReplyAddress {
  readonly accountId: string;
  readonly userId: string;
  readonly code: string;
  /** Milliseconds since 1970; kept in whole minutes, rounded up. */
  readonly expiresAtMs: number;
}

const MAX_TOKEN_LENGTH = 8192;
const MINUTE = 60_000;
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** `{payload}.{HMAC-SHA256}`, both in base64url, so that it fits in a URL's path. */
export function signToken(secret: string, payload: TokenPayload): string {
  const body = Buffer.from(JSON.stringify(payload)).toString('base64url');
  return `${body}.${mac(secret, 'token', body).toString('base64url')}`;
}

/** The payload, or null when the token was not made with this secret, was changed, or has expired. */
export function verifyToken(secret: string, token: string, nowMs: number): TokenPayload | null {
  if (token.length > MAX_TOKEN_LENGTH) return null;
  const [body, signature, ...rest] = token.split('.');
  if (body === undefined || signature === undefined || rest.length > 0) return null;
  // Compared as text: base64url has several spellings of the same bytes, and only one is the token.
  if (!sameText(signature, mac(secret, 'token', body).toString('base64url'))) return null;
  const payload = JSON.parse(Buffer.from(body, 'base64url').toString()) as TokenPayload;
  return nowMs < payload.expiresAtMs ? payload : null;
}

/**
 * `{account}-{user}-{code}-{expiry}-{80 bits of HMAC}@{domain}`: within the 64 characters of a local
 * part for ids of 14 and codes of up to 11 characters, and the same in either case.
 * @throws RangeError for ids or codes that are not `A-Z0-9`, or too long.
 */
export function signReplyAddress(secret: string, reply: ReplyAddress, domain: string): string {
  const expiry = Math.ceil(reply.expiresAtMs / MINUTE).toString(36);
  const parts = [reply.accountId, reply.userId, reply.code];
  if (!parts.every((part) => /^[A-Z0-9]+$/.test(part)))
    throw new RangeError('A reply address takes ids and codes of A-Z and 0-9 only.');
  const body = [...parts, expiry].join('-').toLowerCase();
  const local = `${body}-${shortMac(secret, body)}`;
  if (local.length > 64) throw new RangeError('The reply address is longer than mail allows.');
  return `${local}@${domain}`;
}

/** What the address proves, or null when it is forged, changed or expired. Ignores the domain. */
export function verifyReplyAddress(
  secret: string,
  address: string,
  nowMs: number,
): ReplyAddress | null {
  const local = address.slice(0, Math.max(0, address.lastIndexOf('@'))).toLowerCase();
  const match = /^(([a-z0-9]+)-([a-z0-9]+)-([a-z0-9]+)-([a-z0-9]{1,8}))-([a-z2-7]{16})$/.exec(
    local,
  );
  if (local.length > 64 || !match) return null;
  const [, body = '', account = '', user = '', code = '', expiry = '', signature = ''] = match;
  if (!sameText(signature, shortMac(secret, body))) return null;
  const expiresAtMs = parseInt(expiry, 36) * MINUTE;
  if (nowMs >= expiresAtMs) return null;
  return {
    accountId: account.toUpperCase(),
    userId: user.toUpperCase(),
    code: code.toUpperCase(),
    expiresAtMs,
  };
}

// The purpose is part of what is signed, so that one kind of proof can never pass for another.
function mac(secret: string, purpose: 'token' | 'reply', body: string): Buffer {
  return createHmac('sha256', secret).update(`${purpose}\n${body}`).digest();
}

function shortMac(secret: string, body: string): string {
  let bits = 0n;
  for (const byte of mac(secret, 'reply', body).subarray(0, 10)) bits = (bits << 8n) | BigInt(byte);
  return Array.from({ length: 16 }, (_, place) =>
    BASE32.charAt(Number((bits >> BigInt(75 - place * 5)) & 31n)),
  ).join('');
}

function sameText(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}
