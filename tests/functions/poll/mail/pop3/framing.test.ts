import { describe, expect, it } from 'vitest';
import { selfSigned } from '../../../../support/tls-certificate.ts';
import { cleanUpAfterEach, fetchOne } from './pop3-support.ts';

cleanUpAfterEach();

async function textOf(chunks: readonly (string | Buffer)[], tls = false): Promise<string> {
  const fetched = await fetchOne(chunks, tls ? selfSigned : undefined);
  if (fetched?.kind !== 'raw') throw new Error(`Nothing was fetched but ${JSON.stringify(fetched)}`);
  return fetched.bytes.toString('latin1');
}

/** The defects of notes on node-pop3, each as the chunks that show it. */
describe('RETR over a real socket', () => {
  it.each([
    ['before its dot', ['+OK\r\nA: b\r\n\r\nlast\r\n', '.\r\n']],
    ['behind its dot', ['+OK\r\nA: b\r\n\r\nlast\r\n.', '\r\n']],
    ['in its first CRLF', ['+OK\r\nA: b\r\n\r\nlast\r', '\n.\r\n']],
    ['in its last CRLF', ['+OK\r\nA: b\r\n\r\nlast\r\n.\r', '\n']],
    ['everywhere', ['+OK\r\nA: b\r\n\r\nlast', '\r', '\n', '.', '\r', '\n']],
  ])('does not hang on a terminator cut %s', async (_where, chunks) => {
    expect(await textOf(chunks)).toBe('A: b\r\n\r\nlast\r\n');
  });

  it.each([
    ['in the text', ['+OK 120 oct', 'ets\r\nA: b\r\n.\r\n']],
    ['behind the first byte', ['+', 'OK\r\nA: b\r\n.\r\n']],
    ['in its CRLF', ['+OK\r', '\nA: b\r\n.\r\n']],
    ['behind its CRLF', ['+OK\r\n', 'A: b\r\n.\r\n']],
  ])('does not add a status line cut %s to the message', async (_where, chunks) => {
    expect(await textOf(chunks)).toBe('A: b\r\n');
  });

  it.each([
    [
      'a chunk that is just a dot',
      ['+OK\r\nEnd of sentence', '.', '\r\nmore\r\n.\r\n'],
      'End of sentence.\r\nmore\r\n',
    ],
    [
      'a chunk that is a dot and CRLF',
      ['+OK\r\nEnd of sentence', '.\r\n', 'more\r\n.\r\n'],
      'End of sentence.\r\nmore\r\n',
    ],
    [
      'a stuffed dot line cut behind its first dot',
      ['+OK\r\na\r\n.', '.\r\nmore\r\n.\r\n'],
      'a\r\n.\r\nmore\r\n',
    ],
    [
      'a body line that begins with a minus',
      ['+OK\r\na\r\n.', '.\r\n', '-ERR inside\r\n.\r\n'],
      'a\r\n.\r\n-ERR inside\r\n',
    ],
  ])('does not truncate at %s', async (_what, chunks, message) => {
    expect(await textOf(chunks)).toBe(message);
  });

  it('drops exactly one leading dot of a line', async () => {
    expect(await textOf(['+OK\r\n..\r\n...\r\n..x\r\nx..\r\n.\r\n'])).toBe('.\r\n..\r\n.x\r\nx..\r\n');
  });

  it('keeps every byte of 8-bit text, NUL and bare CR or LF', async () => {
    const body = Buffer.from([0xe9, 0xff, 0x00, 0x80, 0x0d, 0x41, 0x0a, 0x2e, 0x0d, 0x0d, 0x0a]);
    const wire = Buffer.concat([Buffer.from('+OK\r\n'), body, Buffer.from('.\r\n')]);
    expect(await textOf([wire])).toBe(body.toString('latin1'));
  });

  it.each([false, true])('reads a reply that comes byte by byte (TLS: %s)', async (tls) => {
    const wire = Buffer.from('+OK 9 octets\r\nSubject: \xe9\r\n\r\n..\r\n..dot\r\n-ERR x\r\n.\r\n', 'latin1');
    const chunks = Array.from({ length: wire.length }, (_, at) => wire.subarray(at, at + 1));
    expect(await textOf(chunks, tls)).toBe('Subject: \xe9\r\n\r\n.\r\n.dot\r\n-ERR x\r\n');
  });
});
