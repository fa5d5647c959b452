import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseMessage, readAttachments } from '../../../../functions/poll/parse/parse-message.ts';
import type { MessageData } from '../../../../shared/event.ts';
import { eventOf, mail, parseJob } from '../../../support/parse-job.ts';

const sha256 = (bytes: string) => createHash('sha256').update(bytes, 'latin1').digest('hex');
const dataOf = async (message: Buffer): Promise<MessageData> =>
  eventOf(await parseMessage(parseJob(message))).data;

const FILE = ['Content-Type: image/png; name=a.png', 'Content-Transfer-Encoding: base64', '', 'YWJj'];
const ABC = { filename: 'a.png', size: 3, sha256: sha256('abc') };

describe('parseMessage() on a multipart whose boundary does not occur', () => {
  it.each([
    ['never occurs', 'multipart/mixed; boundary=nope'],
    ['has other capitals', 'multipart/mixed; boundary=B'],
    ['is missing', 'multipart/mixed'],
    ['is empty', 'multipart/alternative; boundary=""'],
    ['stands in a line of its own', 'multipart/mixed;\r\nboundary="b"'],
    ['is too long to be one', `multipart/mixed; boundary=${'b'.repeat(2_000)}`],
  ])('finds the parts by the one that its content shows when it %s', async (_, type) => {
    const data = await dataOf(
      mail(`Content-Type: ${type}`, '', 'For old readers', '--b', '', 'caf\u00e9', '--b', ...FILE, '--b--'),
    );
    expect(data).toMatchObject({ text: 'café', attachments: [ABC] });
    expect(data.parseError).toContain('by another one');
  });

  it('reads the parts where only the semicolon in front of it is forgotten', async () => {
    const data = await dataOf(
      mail('Content-Type: multipart/mixed boundary=b', '', '--b', '', 'hello', '--b--'),
    );
    expect(data).toMatchObject({ text: 'hello', parseError: null });
  });

  it('reads the parts of a multipart that is itself in base64, which RFC 2045 forbids', async () => {
    const inner = mail('--b', '', 'hello', '--b--').toString('base64');
    const head = ['Content-Type: multipart/mixed; boundary=b', 'Content-Transfer-Encoding: base64'];
    expect((await dataOf(mail(...head, '', inner))).text).toBe('hello');
  });

  it.each([
    ['no part', ['', 'dear all', '-- ', 'ana']],
    ['a single line with two dashes', ['--b', '', 'dear all']],
    ['a close delimiter only', ['--b--', '', 'dear all', '--b--']],
    ['a row of dashes', ['--------', '', 'dear all', '--------']],
  ])('gives the content as text when it shows %s', async (_, lines) => {
    const data = await dataOf(mail('Content-Type: multipart/mixed; boundary=nope', '', ...lines));
    expect(data.text).toContain('dear all');
    expect(data.parseError).toContain('given as text');
  });

  it('decodes 8-bit text of such a content that is no UTF-8', async () => {
    const body = Buffer.from('caf\xe9 \0', 'latin1');
    const data = await dataOf(Buffer.concat([mail('Content-Type: multipart/mixed; boundary=x', ''), body]));
    expect(data.text).toBe('café \ufffd');
  });

  it('keeps an inner one in its place between the parts around it', async () => {
    const inner = ['--out', 'Content-Type: multipart/mixed; boundary=nope', '', '--b', '', 'second'];
    const data = await dataOf(
      mail(
        ...['Content-Type: multipart/mixed; boundary=out', '', '--out', '', 'first', '--out', ...FILE],
        ...[...inner, '--b', 'Content-Type: image/gif', '', 'xyz', '--b--', '--out', '', 'third', '--out--'],
      ),
    );
    expect(data.text).toBe('first\nsecond\nthird');
    expect(data.attachments).toMatchObject([
      { id: '1', ...ABC },
      { id: '2', contentType: 'image/gif', sha256: sha256('xyz') },
    ]);
  });

  it('counts each file once where one such multipart holds another', async () => {
    const inner = ['Content-Type: multipart/mixed; boundary=nope', '', '--c', ...FILE, '--c--'];
    const data = await dataOf(
      mail('Content-Type: multipart/mixed; boundary=x', '', '--b', ...FILE, '--b', ...inner, '--b--'),
    );
    expect(data.attachments).toMatchObject([
      { id: '1', ...ABC },
      { id: '2', ...ABC },
    ]);
  });

  it('gives an inner one without parts as text', async () => {
    const inner = ['--out', 'Content-Type: multipart/alternative; boundary=nope', '', 'lost'];
    const data = await dataOf(
      mail('Content-Type: multipart/mixed; boundary=out', '', '--out', '', 'kept', ...inner, '--out--'),
    );
    expect(data.text).toBe('kept\nlost');
    expect(data.parseError).toContain('given as text');
  });

  it('hands out the bytes of its files, and of the last reading only', async () => {
    const message = mail('Content-Type: multipart/mixed; boundary=x', '', '--b', ...FILE, '--b--');
    const taken = new Map<string, Buffer[]>();
    await readAttachments(message, (id) => {
      const chunks: Buffer[] = [];
      taken.set(id, chunks);
      return (chunk) => chunks.push(chunk);
    });
    expect([...taken].map(([id, chunks]) => [id, Buffer.concat(chunks).toString()])).toEqual([['1', 'abc']]);
  });

  it('has nothing to say of parts that are empty, or of a blank body', async () => {
    const empty = mail('Content-Type: multipart/mixed; boundary=b', '', '--b', '', '', '--b--');
    expect(await dataOf(empty)).toMatchObject({ text: null, parseError: null });
    expect(await dataOf(mail('Content-Type: multipart/mixed; boundary=b', '', ' '))).toMatchObject({
      text: null,
      parseError: null,
    });
  });

  it('ends where each such part holds another one', async () => {
    const levels = Array.from({ length: 50 }, (_, i) => `--b${i}\r\nContent-Type: multipart/mixed\r\n\r\n`);
    const data = await dataOf(
      Buffer.from(`Content-Type: multipart/mixed\r\n\r\n${levels.join('')}${levels.join('')}deep`),
    );
    expect(data.text).toContain('deep');
  });
});

describe('parseMessage() on damaged delimiters', () => {
  const head = ['Content-Type: multipart/mixed; boundary=b-1', '', '--b-1', '', 'hello', '--b-1', ...FILE];

  it.each(['--b-1-->', '--b-1--Regards', '--b-1--;', '--b-1--  \t'])(
    'keeps what stands behind the close delimiter %j out of the last file',
    async (close) => {
      const data = await dataOf(mail(...head, close, 'Regards', 'ana'));
      expect(data).toMatchObject({ text: 'hello', attachments: [ABC], parseError: null });
    },
  );

  it.each(['--b-1', '--b-1--'])(
    'keeps %j at the very end of the message out of the last file',
    async (end) => {
      const message = Buffer.concat([mail(...head), Buffer.from(end)]);
      expect(await dataOf(message)).toMatchObject({ text: 'hello', attachments: [ABC], parseError: null });
    },
  );

  it.each([
    ['nothing', '', ''],
    ['an empty line', '\r\n', '\r\n'],
    ['two dashes', '--', '--'],
  ])('takes no line end of a delimiter into a file that holds %s', async (_, content, expected) => {
    const part = `--b\r\nContent-Type: image/png\r\n\r\n${content}\r\n`;
    const data = await dataOf(
      Buffer.from(`Content-Type: multipart/mixed; boundary=b\r\n\r\n${part}${part}--b--\r\n`),
    );
    const file = { size: expected.length, sha256: sha256(expected) };
    expect(data.attachments).toMatchObject([file, file]);
  });

  it('goes on behind half a close delimiter, where parts may follow', async () => {
    const data = await dataOf(mail(...head, '--b-1-', '', 'you', '--b-1--'));
    expect(data).toMatchObject({ text: 'hello\nyou', attachments: [ABC], parseError: null });
  });

  it('reads no delimiter of another boundary as a damaged one', async () => {
    const data = await dataOf(
      mail('Content-Type: multipart/mixed; boundary=b-', '', '--b', '', 'hello', '--b', ...FILE, '--b--'),
    );
    expect(data).toMatchObject({ text: 'hello', attachments: [ABC] });
    expect(data.parseError).toContain('by another one');
  });

  it('takes a row of dashes that begins like a delimiter for a line of the text', async () => {
    const data = await dataOf(
      mail('Content-Type: multipart/mixed; boundary=-', '', '---', '', 'a', '-------', 'b'),
    );
    expect(data.text).toBe('a\n-------\nb\n');
  });

  it('reads parts that end with the message, with no close delimiter', async () => {
    expect(await dataOf(mail(...head))).toMatchObject({ text: 'hello', attachments: [ABC] });
  });

  it('ends an inner multipart with the delimiter of the outer one', async () => {
    const inner = ['--out', 'Content-Type: multipart/alternative; boundary=in', '', '--in', '', 'hello'];
    const data = await dataOf(
      mail('Content-Type: multipart/mixed; boundary=out', '', ...inner, '--out', ...FILE, '--out--'),
    );
    expect(data).toMatchObject({ text: 'hello', attachments: [ABC], parseError: null });
  });

  it.each([
    ['no header and no empty line', ['--b', 'hello', 'you', '--b--'], 'hello\nyou'],
    [
      'a header and no empty line',
      ['--b', 'Content-Type: text/plain', 'hello', 'you', '--b--'],
      'hello\nyou',
    ],
    [
      'no empty line, before another part',
      ['--b', 'Content-Type: text/plain', 'hello', '--b', '', 'you', '--b--'],
      'hello\nyou',
    ],
    ['an empty line too late', ['--b', 'hello', '', 'you', '--b--'], 'hello\n\nyou'],
  ])('loses nothing of a part with %s', async (_, lines, expected) => {
    const data = await dataOf(mail('Content-Type: multipart/mixed; boundary=b', '', ...lines));
    expect(data).toMatchObject({ text: expected, parseError: null });
  });

  it('loses nothing of an inner multipart without an empty line', async () => {
    const inner = [
      'Content-Type: multipart/mixed; boundary=in',
      '--in',
      'Content-Type: text/plain',
      '',
      'hello',
    ];
    const data = await dataOf(
      mail(
        ...['Content-Type: multipart/mixed; boundary=out', '', '--out', ...inner, '--in', ...FILE],
        ...['--in--', '--out', '', 'you', '--out--'],
      ),
    );
    expect(data).toMatchObject({ text: 'hello\nyou', attachments: [ABC], parseError: null });
  });

  it('decodes the content that was taken for header as the rest of it', async () => {
    const part = ['--b', 'Content-Type: image/png', 'Content-Transfer-Encoding: base64', 'YWJj', '', 'ZGVm'];
    const data = await dataOf(mail('Content-Type: multipart/mixed; boundary=b', '', ...part, '--b--'));
    expect(data.attachments).toMatchObject([{ size: 6, sha256: sha256('abcdef') }]);
  });

  it.each([
    ['right behind its delimiter', ['--b', '--b--', 'epilogue']],
    ['with an empty header', ['--b', '', '--b--', 'epilogue']],
    ['without a close delimiter', ['--b']],
  ])('takes nothing of the epilogue into an empty last part %s', async (_, lines) => {
    const data = await dataOf(
      mail('Content-Type: multipart/mixed; boundary=b', '', '--b', '', 'hello', ...lines),
    );
    expect(data).toMatchObject({ text: 'hello', html: null, attachments: [] });
  });
});
