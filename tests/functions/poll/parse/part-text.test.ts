import { describe, expect, it } from 'vitest';
import { readHeaderSection } from '../../../../functions/poll/parse/headers.ts';
import { readLeaves } from '../../../../functions/poll/parse/leaf-parts.ts';
import { MAX_TEXT_BYTES } from '../../../../functions/poll/parse/limits.ts';
import { parseMessage } from '../../../../functions/poll/parse/parse-message.ts';
import { readPartHeader } from '../../../../functions/poll/parse/part-header.ts';
import type { MessageData } from '../../../../shared/event.ts';
import { eventOf, mail, parseJob } from '../../../support/parse-job.ts';

const dataOf = async (message: Buffer): Promise<MessageData> =>
  eventOf(await parseMessage(parseJob(message))).data;

describe('parseMessage() texts', () => {
  it.each([
    ['8-bit ISO 8859-1', 'text/plain; charset=iso-8859-1', Buffer.from('caf\xe9\r\n', 'latin1'), 'café\n'],
    ['UTF-8 without a charset', 'text/plain', Buffer.from('café\r\n'), 'café\n'],
    [
      'ISO-2022-JP',
      'text/plain; charset=iso-2022-jp',
      Buffer.from('\x1b$B2q5D\x1b(B\r\n', 'latin1'),
      '会議\n',
    ],
    ['KOI8-R', 'text/plain; charset=koi8-r', Buffer.from('\xf0\xf2\xe9\r\n', 'latin1'), 'ПРИ\n'],
    ['format=flowed', 'text/plain; format=flowed', Buffer.from('one \r\ntwo\r\n'), 'one two\n'],
    ['an unknown charset', 'text/plain; charset=x-nope', Buffer.from('caf\xe9\r\n', 'latin1'), 'café\n'],
    ['ISO 8859-1 without a charset', 'text/plain', Buffer.from('caf\xe9\r\n', 'latin1'), 'café\n'],
    [
      'UTF-8 with a wrong byte',
      'text/plain; charset=utf-8',
      Buffer.from('c\xc3\xa9\xff', 'latin1'),
      'cé\ufffd',
    ],
    ['NUL', 'text/plain', Buffer.from('a\0b\r\n'), 'a\ufffdb\n'],
    [
      'half of a surrogate pair',
      'text/plain; charset=utf-16be',
      Buffer.from('d80000410042', 'hex'),
      '\ufffdAB',
    ],
    ['no Content-Type', null, Buffer.from('hello\r\n'), 'hello\n'],
  ])('reads a body of %s', async (_, type, body, expected) => {
    const head = type === null ? mail('Subject: x', '') : mail(`Content-Type: ${type}`, '');
    expect(await dataOf(Buffer.concat([head, body]))).toMatchObject({ text: expected, parseError: null });
  });

  it("decodes quoted-printable with the decoder that keeps nothing, not with mailparser's", async () => {
    // A break inside an escape tells them apart: mailparser's joins the lines before it decodes.
    const part = ['--b', 'Content-Transfer-Encoding: quoted-printable', '', 'a=C3=BC =4=', '1'];
    const data = await dataOf(mail('Content-Type: multipart/mixed; boundary=b', '', ...part, '--b--'));
    expect(data.text).toBe('aü =41');
  });

  it('keeps of all texts together what an event can hold, and says which were cut', async () => {
    const part = (type: string, text: string) => ['--b', `Content-Type: ${type}`, '', text];
    const texts = Array.from({ length: 20 }, () => part('text/plain', 'x'.repeat(500_000))).flat();
    const lines = [...texts, ...part('text/html', '<p>late</p>'), '--b--'];
    const head = mail('Content-Type: multipart/mixed; boundary=b', '');
    const leaves = await readLeaves(readPartHeader(readHeaderSection(head), 'text/plain'), mail(...lines));
    expect(leaves.texts.reduce((sum, { text }) => sum + text.length, 0)).toBe(MAX_TEXT_BYTES);
    expect(leaves.texts.map(({ truncated }) => truncated)).toEqual(
      Array.from({ length: 21 }, (_, i) => i >= 8),
    );
    const data = await dataOf(Buffer.concat([head, mail(...lines)]));
    expect(data.text?.length).toBeGreaterThan(1_000_000);
    expect([...data.truncated].sort()).toEqual(['html', 'text']);
  });

  it('says that an unwrapped text was cut although what is left of it fits', async () => {
    // Each line of three bytes becomes one character.
    const body = Buffer.alloc(3_000_000, 'a \n');
    const data = await dataOf(
      Buffer.concat([mail('Content-Type: text/plain; format=flowed; delsp=yes', ''), body]),
    );
    expect(data.truncated).toEqual(['text']);
    expect(data.text).toMatch(/^a{300000,}\n?$/);
  });
});
