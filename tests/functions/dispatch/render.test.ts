import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reducedBody, renderedBody } from '../../../functions/dispatch/render.ts';

const attachment = {
  id: '1',
  filename: 'a.pdf',
  contentType: 'application/pdf',
  size: 3,
  sha256: 'ab',
  href: 'https://x.example/files/1',
  content: null as string | null,
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

describe('renderedBody()', () => {
  const MEGABYTE = 1024 * 1024;
  const sized = (id: string, size: number) => ({ ...attachment, id, size });
  const message = (attachments: readonly object[], change: object = {}) =>
    encode({
      type: 'message.received',
      data: { ...data, attachments, raw: { href: 'https://x.example/files/raw', sha256: 'cd' }, ...change },
    });
  /** Attachments of the sizes that the events say. */
  const zeros =
    (event: Buffer, asked: string[] = []) =>
    async (ids: readonly string[]) => {
      asked.push(...ids);
      const { attachments } = JSON.parse(event.toString()).data as {
        attachments: { id: string; size: number }[];
      };
      const of = (id: string) => Buffer.alloc(attachments.find((one) => one.id === id)?.size ?? 0);
      return Object.fromEntries(ids.map((id) => [id, of(id).toString('base64')]));
    };
  const nothing = async () => ({});
  async function render(event: Buffer, form: 'inline' | 'none', contents = zeros(event)) {
    const rendered = await renderedBody(event, form, contents);
    if (rendered === null) throw new Error('It is the event itself');
    return { rendered, data: (JSON.parse(rendered.toString()) as { data: typeof data }).data };
  }

  it('is the event itself for a webhook that takes links, and for events that are no messages', async () => {
    const operational = encode({ type: 'mailbox.reset', data: { id: 'msg_1', mailbox: 'INBOX' } });
    expect(await renderedBody(message([attachment]), 'link', nothing)).toBeNull();
    for (const form of ['inline', 'none'] as const) {
      expect(await renderedBody(operational, form, nothing)).toBeNull();
    }
    expect(await renderedBody(message([]), 'inline', nothing)).toBeNull();
  });

  it('with none leads to no bytes of the message, and changes nothing else', async () => {
    const event = message([attachment, sized('2', 5)]);
    const { data: rendered } = await render(event, 'none');
    expect(JSON.stringify(rendered)).not.toContain('https://x.example/files');
    expect(rendered).toEqual({
      ...data,
      attachments: [attachment, sized('2', 5)].map((one) => ({ ...one, href: null })),
      raw: { href: null, sha256: 'cd' },
    });
  });

  it('with inline has the bytes of all that fit, in their order, and says when one does not', async () => {
    const event = message([sized('1', 600_000), sized('2', 600_000), sized('3', 30)]);
    const asked: string[] = [];
    const { rendered, data: inlined } = await render(event, 'inline', zeros(event, asked));
    expect(asked).toEqual(['1', '3']);
    expect(inlined.attachments.map(({ content }) => content?.length ?? null)).toEqual([800_000, null, 40]);
    expect(inlined.attachments.map(({ href }) => href)).toEqual(Array(3).fill(attachment.href));
    expect(inlined.truncated).toEqual(['headers', 'attachments']);
    expect(rendered.length).toBeLessThanOrEqual(MEGABYTE);
  });

  it('with inline leaves those that cannot be read to their links, and says so', async () => {
    const { data: inlined } = await render(message([attachment]), 'inline', nothing);
    expect(inlined.attachments).toEqual([attachment]);
    expect(inlined.truncated).toEqual(['headers', 'attachments']);
  });

  it('fills the body to its last byte and never beyond', async () => {
    for (const padding of [0, 1, 2, 3, 4, 5]) {
      const event = message([sized('1', 0)], { text: 'x'.repeat(padding) });
      const room = MEGABYTE - event.length;
      const fits = Math.floor((room - JSON.stringify(['attachments']).length + 2) / 4) * 3;
      const largest = message([sized('1', fits)], { text: 'x'.repeat(padding) });
      // Its size has more digits than 0 has.
      const exact = message([sized('1', fits - 12)], { text: 'x'.repeat(padding) });
      expect((await render(exact, 'inline')).data.attachments[0]?.content).not.toBeNull();
      for (const one of [largest, exact]) {
        expect((await render(one, 'inline')).rendered.length).toBeLessThanOrEqual(MEGABYTE);
      }
    }
  });

  it('whatever the sizes are, stays within 1 MiB, and what it has is whole', async () => {
    const sizes = fc.array(fc.nat({ max: 900_000 }), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat({ max: 1_000_000 }), async (some, textChars) => {
        const attachments = some.map((size, index) => sized(String(index + 1), size));
        const event = message(attachments, { text: 'x'.repeat(textChars) });
        const { rendered, data: inlined } = await render(event, 'inline');
        expect(rendered.length).toBeLessThanOrEqual(MEGABYTE);
        for (const { content, size } of inlined.attachments) {
          if (content !== null) expect(Buffer.from(content, 'base64').length).toBe(size);
        }
        const isWhole = inlined.attachments.every(({ content }) => content !== null);
        expect(inlined.truncated.includes('attachments')).toBe(!isWhole);
      }),
      { numRuns: 30 },
    );
  });

  it('can be reduced: contents go, links stay', async () => {
    const { rendered } = await render(message([sized('1', 30)]), 'inline');
    const reduced = JSON.parse(reducedBody(rendered)?.toString() ?? '{}') as { data: typeof data };
    expect(reduced.data).toMatchObject({
      text: null,
      attachments: [{ href: attachment.href, content: null }],
    });
    expect(reduced.data.truncated).toContain('attachments');
  });
});
