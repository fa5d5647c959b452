import { describe, expect, it } from 'vitest';
import { checkSignature, type WireRequest } from './sigv4.ts';

/** The worked example of AWS's documentation of Signature Version 4. */
const EXAMPLE: WireRequest = {
  method: 'GET',
  target: '/?Action=ListUsers&Version=2010-05-08',
  headers: {
    host: 'iam.amazonaws.com',
    'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
    'x-amz-date': '20150830T123600Z',
    authorization:
      'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, ' +
      'SignedHeaders=content-type;host;x-amz-date, ' +
      'Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7',
  },
  body: new Uint8Array(),
};
const secretOf = (id: string) => (id === 'AKIDEXAMPLE' ? 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' : null);

function changed(
  change: Partial<WireRequest>,
  headers: Record<string, string | undefined> = {},
): WireRequest {
  return { ...EXAMPLE, ...change, headers: { ...EXAMPLE.headers, ...headers } };
}

describe('checkSignature()', () => {
  it("takes the documentation's example", () => {
    expect(checkSignature(EXAMPLE, secretOf)).toEqual({
      ok: true,
      accessKeyId: 'AKIDEXAMPLE',
      date: '20150830',
      region: 'us-east-1',
      service: 'iam',
    });
  });

  it.each<[string, WireRequest]>([
    ['another path', changed({ target: '/x?Action=ListUsers&Version=2010-05-08' })],
    ['another query', changed({ target: '/?Action=ListRoles&Version=2010-05-08' })],
    ['another method', changed({ method: 'POST' })],
    ['another body', changed({ body: Buffer.from('x') })],
    ['another host', changed({}, { host: 'sts.amazonaws.com' })],
    ['another time', changed({}, { 'x-amz-date': '20150830T123601Z' })],
    ['another day', changed({}, { 'x-amz-date': '20150831T123600Z' })],
    ['a token that is not signed', changed({}, { 'x-amz-security-token': 'x' })],
    ['no signature', changed({}, { authorization: undefined })],
  ])('refuses %s', (_, request) => {
    expect(checkSignature(request, secretOf).ok).toBe(false);
  });

  it('refuses another secret and an unknown access key', () => {
    expect(checkSignature(EXAMPLE, () => 'other')).toMatchObject({ reason: 'other signature' });
    expect(checkSignature(EXAMPLE, () => null)).toMatchObject({ reason: 'unknown access key' });
  });
});
