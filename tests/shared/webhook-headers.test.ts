import { validateHeaderName, validateHeaderValue } from 'node:http';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headerError, headersError } from '../../shared/webhook-headers.ts';

describe('headersError()', () => {
  it.each([
    ...[
      'Host',
      'content-type',
      'Content-Length',
      'transfer-encoding',
      'Connection',
      'Upgrade',
      'TE',
      'Trailer',
    ],
    ...['Expect', 'User-Agent', 'webhook-id', 'Webhook-Signature', 'mailhook-attempt', 'Idempotency-Key'],
    ...['accept-encoding', 'keep-alive', 'proxy-connection', 'proxy-authorization'],
  ])('refuses %s, which the request sets itself', (name) => {
    expect(headersError({ [name]: 'x' })).toBe(`"${name}" is set by mailhook itself`);
  });

  it.each(['Authorization', 'X-Token', 'accept', 'Cookie', '__proto__', 'constructor'])(
    'takes %s',
    (name) => {
      expect(headersError(JSON.parse(`{"${name}":"a b\\tc"}`))).toBeNull();
    },
  );

  it.each(['', 'a b', 'a:', 'ä', 'a\r\nb', '(x)', ':authority'])('refuses the name "%s"', (name) => {
    expect(headersError({ [name]: 'x' })).toMatch(/is not a header name$/);
  });

  it.each(['a\r\nb: c', 'a\nb', 'a\0', 'ä', '\x7f', '\u2028'])(
    'refuses a value that could end the header: %j',
    (value) => {
      const error = headersError({ 'x-a': value });
      expect(error).toMatch(/^"x-a" has a value with/);
      expect(error).not.toContain(value);
    },
  );

  it('refuses 21 headers, more than 4 KiB, and the same name in two cases', () => {
    const many = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`x-${i}`, 'v']));
    expect(headersError(many(20))).toBeNull();
    expect(headersError(many(21))).toContain('too many');
    expect(headersError({ 'x-a': 'v'.repeat(4_093) })).toBeNull();
    expect(headersError({ 'x-a': 'v'.repeat(4_094) })).toContain('4097 bytes');
    expect(headersError({ 'X-A': '1', 'x-a': '2' })).toContain('twice');
  });

  it('takes nothing that node:http refuses', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (name, value) => {
        fc.pre(headerError(name, 'x') === null || headerError('x-a', value) === null);
        if (headerError(name, 'x') === null) validateHeaderName(name);
        if (headerError('x-a', value) === null) validateHeaderValue('x-a', value);
      }),
    );
  });
});
