import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reducedBody } from '../../../functions/dispatch/render.ts';

const attachment = {
  id: '1',
  filename: 'a.pdf',
  contentType: 'application/pdf',
  size: 3,
  sha256: 'ab',
  href: 'https://x.example/files/1',
  content: null,
};
const data = {
  id: 'msg_1',
  subject: 'Grüße',
  text: 'long',
  html: '<p>long</p>',
  attachments: [{ ...attachment, content: 'AAAA' }],
  truncated: ['headers'],
  parseError: null,
};
const encode = (value: unknown) => Buffer.from(JSON.stringify(value));
const reduce = (value: unknown) => {
  const reduced = reducedBody(encode(value));
  return reduced === null ? null : (JSON.parse(reduced.toString()) as unknown);
};

describe('reducedBody()', () => {
  it('leaves out text, html and contents, keeps the rest, and says what is missing', () => {
    const envelope = { type: 'message.received', timestamp: '2026-11-25T12:00:00Z', data };
    expect(reduce(envelope)).toEqual({
      ...envelope,
      data: {
        ...data,
        text: null,
        html: null,
        attachments: [attachment],
        truncated: ['headers', 'text', 'html', 'attachments'],
      },
    });
  });

  it('says only what it left out', () => {
    const only = { ...data, html: null, attachments: [attachment], truncated: ['text'] };
    expect(reduce({ data: only })).toEqual({ data: { ...only, text: null, truncated: ['text'] } });
  });

  it('answers null when nothing can be left out: an operational event, or a reduced one', () => {
    expect(reduce({ type: 'mailbox.reset', data: { account: 'acc_1' } })).toBeNull();
    expect(reduce({ data: { ...data, text: null, html: null, attachments: [attachment] } })).toBeNull();
    for (const odd of [null, [], 1, { data: null }, { data: [] }]) expect(reduce(odd)).toBeNull();
  });

  it('never makes an event larger than what it left out, and reduces only once', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 100 }), fc.jsonValue(), (text, other) => {
        const reduced = reducedBody(encode({ data: { ...data, text, other } }));
        expect(reduced?.length).toBeLessThan(encode({ data: { ...data, text, other } }).length);
        expect(reduced && reducedBody(reduced)).toBeNull();
      }),
    );
  });
});
