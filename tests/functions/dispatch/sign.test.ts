import { createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { signatureHeader } from '../../../functions/dispatch/sign.ts';
import { secretKey } from '../../../shared/webhook-secret.ts';

const OFFICIAL = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const NEW = 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=';
const OLD = 'whsec_//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eA=';

function keyOf(secret: string) {
  const key = secretKey(secret);
  if (key === null) throw new Error(`Not a secret: ${secret}`);
  return createSecretKey(key);
}

describe('signatureHeader()', () => {
  it('makes the signature of the official Standard Webhooks vector', () => {
    const body = Buffer.from('{"test": 2432232314}');
    expect(signatureHeader([keyOf(OFFICIAL)], 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1614265330, body)).toBe(
      'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    );
  });

  it('signs non-ASCII bytes with two live secrets, newest first', () => {
    const body = Buffer.from(
      '{"type":"email.received","timestamp":"2025-11-24T15:59:58.000Z","data":{"id":"eml_01k9x2f7m3",' +
        '"accountId":"acc_1","mailbox":"INBOX","sequence":42,"subject":"Grüße – invoice №7",' +
        '"from":[{"address":"a@example.com","name":"A"}]}}',
    );
    expect(body).toHaveLength(232);
    const keys = [keyOf(NEW), keyOf(OLD)];
    expect(signatureHeader(keys, 'msg_01k9x2f7m3q8v5c6r4t0b1n7ya', 1764000000, body)).toBe(
      'v1,RTCOgzBZeuHMv7Zjvjjb5aXRFbYJ4z8J6Qo+I3hZ2qw= v1,cjTM0Sc195sH8YVkmyz3dZgI+pUFL9Nc25LN3nqKLCU=',
    );
  });

  it('verifies with the reference package under either secret, for any body, and under no other', () => {
    const now = Math.floor(Date.now() / 1000);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.stringMatching(/^msg_[a-z2-7]{26}$/), (text, id) => {
        const body = Buffer.from(text);
        const headers = {
          'webhook-id': id,
          'webhook-timestamp': String(now),
          'webhook-signature': signatureHeader([keyOf(NEW), keyOf(OLD)], id, now, body),
        };
        const verify = (secret: string) => new Webhook(secret).verify(body, headers, { jsonParse: false });
        verify(NEW);
        verify(OLD);
        expect(() => verify(OFFICIAL)).toThrow('No matching signature');
      }),
    );
  });
});
