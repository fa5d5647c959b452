import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { newSecret, secretKey } from '../../shared/webhook-secret.ts';

const secretOf = (sizeBytes: number) => `whsec_${Buffer.alloc(sizeBytes, 7).toString('base64')}`;

describe('newSecret()', () => {
  it('makes whsec_ and the base64 of 32 random bytes, which secretKey() and the reference package read', () => {
    const secret = newSecret(randomBytes);
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(secretKey(secret)).toHaveLength(32);
    expect(() => new Webhook(secret)).not.toThrow();
    expect(newSecret(randomBytes)).not.toBe(secret);
  });
});

describe('secretKey()', () => {
  it.each([24, 32, 64])('takes %s bytes', (size) => {
    expect(secretKey(secretOf(size))).toEqual(Buffer.alloc(size, 7));
  });

  it.each(
    [
      [
        '',
        'v1,whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
        secretOf(23),
        secretOf(65),
        'whsec_',
        secretOf(32).slice(6),
      ],
      [`${secretOf(32)}\n`, secretOf(32).replace('=', ''), secretOf(24).replaceAll('B', '-')],
    ].flat(),
  )('refuses %j', (text) => {
    expect(secretKey(text)).toBeNull();
  });
});
