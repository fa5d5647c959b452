import { describe, expect, it } from 'vitest';
import { MAX_EVENT_BYTES } from '../../../../functions/poll/parse/limits.ts';
import { parseMessage } from '../../../../functions/poll/parse/parse-message.ts';
import type { MessageData } from '../../../../shared/event.ts';
import { eventOf, mail, parseJob } from '../../../support/parse-job.ts';

const HEAD = 'Subject: bomb\r\nFrom: a@x.example\r\nMessage-ID: <1@x.example>\r\n';

/** Enough for a loaded machine; the slowest takes half a second on an idle one, and what is not linear takes minutes. */
const BOUND_MS = 10_000;

function nested(depth: number): Buffer {
  const levels = Array.from(
    { length: depth },
    (_, i) => `Content-Type: multipart/mixed; boundary=b${i}\r\n\r\n--b${i}\r\n`,
  );
  return Buffer.from(`${HEAD}${levels.join('')}\r\ndeep\r\n`);
}

function siblings(count: number): Buffer {
  return Buffer.from(
    `${HEAD}Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\n\r\nx\r\n'.repeat(count)}--b--\r\n`,
  );
}

function heads(parts: number, lines: number): Buffer {
  const part = `--b\r\n${'a:b\r\n'.repeat(lines)}\r\nx\r\n`;
  return Buffer.from(
    `${HEAD}Content-Type: multipart/mixed; boundary=b\r\n\r\n${part.repeat(parts)}--b--\r\n`,
  );
}

const body = (type: string, text: string) => Buffer.from(`${HEAD}Content-Type: ${type}\r\n\r\n${text}`);
const header = (lines: string) => Buffer.from(`${HEAD}${lines}\r\n\r\nhello\r\n`);
const people = (count: number) => Array.from({ length: count }, (_, i) => `u${i}@example.com`).join(',');

async function explode(bytes: Buffer): Promise<MessageData> {
  const before = performance.now();
  const parsed = await parseMessage(parseJob(bytes));
  expect(performance.now() - before).toBeLessThan(BOUND_MS);
  expect(parsed.event.length).toBeLessThanOrEqual(MAX_EVENT_BYTES);
  const { data } = eventOf(parsed);
  expect(data).toMatchObject({ size: bytes.length, messageId: '<1@x.example>' });
  return data;
}

describe('a MIME bomb', () => {
  it.each([
    ['900 parts with 1,000 header lines each', () => heads(900, 1_000)],
    [
      'a Content-ID of 300 KB',
      () => body('multipart/mixed; boundary=b', `--b\r\nContent-ID: <${'c'.repeat(300_000)}>\r\n\r\nx\r\n`),
    ],
    [
      'a part with a header of 2 MB',
      () => body('multipart/mixed; boundary=b', `--b\r\nX: ${'x'.repeat(2_000_000)}\r\n\r\ny`),
    ],
  ])('of %s costs its body only', async (_, make) => {
    expect(await explode(make())).toMatchObject({
      subject: 'bomb',
      text: null,
      truncated: ['text', 'html', 'attachments'],
      parseError: expect.stringContaining("a part's header is larger"),
    });
  });

  it('of 10,000 parts keeps what is in the first 1,000, the same every time', async () => {
    const data = await explode(siblings(10_000));
    // The message itself is one of them.
    expect(data.text).toBe('x\n'.repeat(999).trimEnd());
    expect(data.truncated).toEqual(['text', 'html', 'attachments']);
    expect(data.parseError).toContain('more than 1000 parts');
    const busy = await Promise.all([
      explode(siblings(10_000)),
      explode(nested(900)),
      explode(siblings(2_000)),
    ]);
    expect([busy[0].text, busy[2].text]).toEqual([data.text, data.text]);
  });

  it('of 10,000 nested multiparts costs its body only', async () => {
    expect(await explode(nested(10_000))).toMatchObject({
      text: null,
      parseError: expect.stringContaining('more than 1000 parts'),
    });
  });

  it('of 990 nested multiparts is read', async () => {
    expect(await explode(nested(990))).toMatchObject({ text: 'deep\n', parseError: null });
  });

  it('of 900 files keeps as many as the limit says', async () => {
    const file = '--b\r\nContent-Type: image/png; name=a.png\r\n\r\nx\r\n';
    const data = await explode(body('multipart/mixed; boundary=b', `${file.repeat(900)}--b--`));
    expect(data.attachments.map(({ id }) => id)).toEqual(
      Array.from({ length: 500 }, (_, i) => String(i + 1)),
    );
    expect(data.truncated).toEqual(['attachments']);
  });

  it.each([
    ['a header line of 30 MB', () => header(`X: ${'x'.repeat(30_000_000)}`)],
    ['30 MB of header lines', () => header('X: y\r\n'.repeat(5_000_000).trimEnd())],
    ['20,000 header lines without a name', () => header('x\r\n'.repeat(20_000).trimEnd())],
    ['a Content-Type of 5 MB', () => header(`Content-Type: text/plain; a=${'('.repeat(5_000_000)}`)],
    ['300 KB of comments in To', () => header(`To: ${'('.repeat(300_000)}`)],
    ['300 KB of quotes in To', () => header(`To: ${'"'.repeat(300_000)}`)],
    ['300 KB of angle brackets in To', () => header(`To: ${'<'.repeat(300_000)}`)],
    ['300 KB of groups in To', () => header(`To: ${'a:'.repeat(150_000)}`)],
    ['300 KB of words in To', () => header(`To: ${'a '.repeat(150_000)}`)],
    ['300 KB of empty encoded words', () => header(`X: ${'=?utf-8?Q??= '.repeat(25_000)}`)],
    ['300 KB of opened encoded words', () => header(`X: ${'=?a'.repeat(100_000)}`)],
    ['a List-Unsubscribe of 300 KB', () => header(`List-Unsubscribe: ${'<https://x '.repeat(30_000)}`)],
    ['10 MB of References', () => header(`References: ${'<a@b> '.repeat(10_000)}\r\n`.repeat(170).trimEnd())],
    [
      '10 MB of List-Unsubscribe',
      () => header(`List-Unsubscribe: ${'<http://x> '.repeat(5_500)}\r\n`.repeat(170).trimEnd()),
    ],
    ['10 MB of To', () => header(`To: ${'<'.repeat(60_000)}\r\n`.repeat(170).trimEnd())],
    ['a date of 300 KB', () => header(`Date: ${'1 Jan '.repeat(50_000)}`)],
  ])('of %s leaves the body readable', async (_, make) => {
    expect(await explode(make())).toMatchObject({ subject: 'bomb', text: 'hello\n', parseError: null });
  });

  it('of 20,000 References on 20,000 lines keeps the first and the latest', async () => {
    const ids = Array.from({ length: 20_000 }, (_, i) => `<${i}@x>`);
    const data = await explode(header(`References: ${ids.join('\r\n ')}`));
    expect(data.references[0]).toBe('<0@x>');
    expect(data.references).toHaveLength(500);
    expect(data.truncated).toEqual(expect.arrayContaining(['references', 'headers']));
    expect(data.text).toBe('hello\n');
  });

  it('of 100,000 recipients keeps some and says so', async () => {
    const data = await explode(
      header(`To: ${people(100_000)}\r\nCc: ${people(100_000)}\r\nBcc: ${people(100_000)}`),
    );
    expect(data.to.length).toBeGreaterThan(500);
    expect(data.truncated).toEqual(expect.arrayContaining(['to', 'cc', 'bcc', 'headers']));
  });

  it('that fills every field still leaves room for the body', async () => {
    const long = 'é'.repeat(900);
    const list = Array.from({ length: 300 }, (_, i) => `${long} <u${i}@example.com>`).join(', ');
    const names = ['From', 'Sender', 'Reply-To', 'To', 'Cc', 'Bcc'].map((name) => `${name}: ${list}`);
    const fill = Array.from({ length: 50 }, (_, i) => `X-${i}: ${'€"'.repeat(10_000)}`);
    const ids = Array.from({ length: 600 }, (_, i) => `<${i}${'i'.repeat(900)}@x>`).join('\r\n ');
    const lines = [
      `Subject: ${long.repeat(20)}`,
      `References: ${ids}`,
      ...names,
      ...fill,
      'Content-Type: text/html',
    ];
    const data = await explode(Buffer.from(`${HEAD}${lines.join('\r\n')}\r\n\r\n${'<p>'.repeat(600_000)}`));
    expect(data.html?.length).toBeGreaterThan(100_000);
    expect(data.truncated).toEqual(expect.arrayContaining(['headers', 'to', 'references', 'html']));
  });

  it.each([
    ['html', 'text/html', 20, 64 * 1024],
    ['text', 'text/plain', 5, 0],
  ] as const)(
    'in %s (%s, %d MB) is cut to what an event can hold',
    async (field, type, megabytes, others) => {
      const data = await explode(body(type, '<p>"Grüße" 😀</p>\r\n'.repeat(megabytes * 40_000)));
      expect(data.truncated).toEqual(field === 'html' ? ['html', 'text'] : ['text']);
      const cut = data[field] ?? '';
      expect(Buffer.byteLength(JSON.stringify(cut))).toBeGreaterThan(MAX_EVENT_BYTES - others - 2_000);
      expect(cut.isWellFormed()).toBe(true);
    },
  );

  it('in html leaves its html whole where that fills the event, and says that the text made of it is cut', async () => {
    const html = `${'<p>word</p>'.repeat(1_000)}${'<img src=x>'.repeat(50_000)}${'<p>Grüße</p>'.repeat(27_000)}`;
    const data = await explode(body('text/html; charset=utf-8', html));
    expect(data.html).toBe(html);
    expect(data.truncated).toEqual(['text']);
    expect(Buffer.byteLength(JSON.stringify(data.text))).toBeGreaterThan(60 * 1024);
  });

  it('cuts html before text, and text only where html gave all it had', async () => {
    const part = (type: string, text: string) => `--b\r\nContent-Type: ${type}\r\n\r\n${text}\r\n`;
    const both = (text: number, html: number) =>
      body(
        'multipart/alternative; boundary=b',
        part('text/plain', 't'.repeat(text)) + part('text/html', 'h'.repeat(html)),
      );
    const htmlCut = await explode(both(600_000, 600_000));
    expect([htmlCut.text?.length, htmlCut.truncated]).toEqual([600_000, ['html']]);
    expect(htmlCut.html?.length).toBeGreaterThan(400_000);
    const textCut = await explode(both(1_100_000, 1_000));
    expect([textCut.html, [...textCut.truncated].sort()]).toEqual([null, ['html', 'text']]);
    expect(textCut.text?.length).toBeGreaterThan(1_000_000);
  });

  it('keeps a text that fills the event to the last byte, and cuts it with one byte more', async () => {
    const empty = (await parseMessage(parseJob(body('text/plain', '')))).event.length;
    // `null` becomes two quotes and the text; `size` gains five digits.
    const room =
      MAX_EVENT_BYTES - empty + 4 - 2 - (String(MAX_EVENT_BYTES).length - String(HEAD.length).length);
    const sizes = [room - 1, room, room + 1].map((length) => body('text/plain', 'x'.repeat(length)));
    const events = await Promise.all(sizes.map((bytes) => parseMessage(parseJob(bytes))));
    expect(events.map(({ event }) => event.length).slice(0, 2)).toEqual([
      MAX_EVENT_BYTES - 1,
      MAX_EVENT_BYTES,
    ]);
    expect(events.map((parsed) => eventOf(parsed).data.truncated)).toEqual([[], [], ['text']]);
  });

  it.each([
    ['a Content-ID of 20 KB', `Content-Type: image/png\r\nContent-ID: <${'c'.repeat(20_000)}>`],
    ['a file name of 20 KB', `Content-Type: image/png; name="${'n'.repeat(20_000)}"`],
    [
      '2,000 continued parameters',
      `Content-Type: image/png; ${Array.from({ length: 2_000 }, (_, i) => `a*${i}=x`).join('; ')}`,
    ],
  ])('of %s is bounded', async (_, lines) => {
    const data = await explode(body('multipart/mixed; boundary=b', `--b\r\n${lines}\r\n\r\nx\r\n--b--`));
    expect(data.attachments).toHaveLength(1);
    expect(JSON.stringify(data.attachments).length).toBeLessThan(3_000);
  });

  it('of 20 MB of base64 in one line is hashed and not kept', async () => {
    const file = `--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n${'AAAA'.repeat(5_000_000)}\r\n--b--`;
    const data = await explode(body('multipart/mixed; boundary=b', file));
    expect(data.attachments).toMatchObject([{ size: 15_000_000 }]);
  });

  it('of flags and labels is cut too', async () => {
    const many = Array.from({ length: 5_000 }, (_, i) => `label-${i}-${'x'.repeat(50)}`);
    const job = parseJob(mail('Subject: x', ''), {
      flags: ['x'.repeat(2_000)],
      labels: [...many, 'a\0b\ud800'],
    });
    const { data } = eventOf(await parseMessage(job));
    expect(data.truncated).toEqual(['flags', 'labels']);
    expect(data.labels.length).toBeGreaterThan(100);
  });
});
