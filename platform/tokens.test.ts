// Nobody without the secret can make a token or a reply address, or change one by a single character;
// expired ones are worthless; a reply address survives mail systems that change its case.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { signReplyAddress, signToken, verifyReplyAddress, verifyToken } from './tokens.ts';
import type { TokenPayload } from './tokens.ts';

const secret = 'a secret that is at least 32 characters long';
const payload: TokenPayload = {
  v: 1,
  kind: 'link',
  accountId: 'PACCOUNT000001',
  userId: 'PUSER000000001',
  contactMethodId: 'PCM00000000001',
  code: 'K7M2QX',
  action: 'acknowledge',
  incidentIds: ['PINCIDENT00001'],
  text: 'Höhe über 100 % „jetzt“',
  tokenId: 'T1',
  expiresAtMs: 1000,
};
const id = fc.stringMatching(/^[A-Z0-9]{14}$/);
const replyArbitrary = fc.record({
  accountId: id,
  userId: id,
  code: fc.stringMatching(/^[A-Z0-9]{6,8}$/),
  expiresAtMs: fc.integer({ min: 1, max: 60_000_000 }).map((minutes) => minutes * 60_000),
});

describe('tokens', () => {
  it('give back what was signed, until they expire', () => {
    const token = signToken(secret, payload);
    expect(verifyToken(secret, token, 999)).toEqual(payload);
    expect(verifyToken(secret, token, 1000)).toBeNull();
    expect(verifyToken(`${secret}!`, token, 999)).toBeNull();
  });

  it('are refused after any change of one character, and when cut', () => {
    const token = signToken(secret, payload);
    for (let place = 0; place < token.length; place += 1) {
      const other = token[place] === 'A' ? 'B' : 'A';
      const changed = token.slice(0, place) + other + token.slice(place + 1);
      expect(verifyToken(secret, changed, 0)).toBeNull();
      expect(verifyToken(secret, token.slice(0, place), 0)).toBeNull();
    }
  });

  it('are refused without an error, whatever is sent', () => {
    fc.assert(fc.property(fc.string(), (text) => verifyToken(secret, text, 0) === null));
    expect(verifyToken(secret, `${'a'.repeat(10_000)}.b`, 0)).toBeNull();
  });
});

describe('reply addresses', () => {
  it('fit in a local part and come back in any case', () => {
    fc.assert(
      fc.property(replyArbitrary, (reply) => {
        const address = signReplyAddress(secret, reply, 'reply.example.test');
        expect(address.indexOf('@')).toBeLessThanOrEqual(64);
        const now = reply.expiresAtMs - 1;
        expect(verifyReplyAddress(secret, address, now)).toEqual(reply);
        expect(verifyReplyAddress(secret, address.toUpperCase(), now)).toEqual(reply);
        expect(verifyReplyAddress(secret, address, reply.expiresAtMs)).toBeNull();
      }),
    );
  });

  it('are refused after any change, and for another secret', () => {
    const reply = { accountId: 'PA1', userId: 'PU1', code: 'K7M2QX', expiresAtMs: 60_000 };
    const address = signReplyAddress(secret, reply, 'd');
    const local = address.length - 2;
    for (let place = 0; place < local; place += 1) {
      const other = address[place] === 'a' ? 'b' : 'a';
      const changed = address.slice(0, place) + other + address.slice(place + 1);
      expect(verifyReplyAddress(secret, changed, 0)).toBeNull();
    }
    expect(verifyReplyAddress('another secret', address, 0)).toBeNull();
    expect(verifyReplyAddress(secret, 'no-address', 0)).toBeNull();
  });

  it('cannot be made for ids that would not survive', () => {
    const reply = { accountId: 'lower', userId: 'PU1', code: 'K7', expiresAtMs: 0 };
    expect(() => signReplyAddress(secret, reply, 'd')).toThrow(RangeError);
  });
});
