import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader } from '../../../../../functions/poll/mail/pop3/byte-reader.ts';
import type { Pop3Limits } from '../../../../../functions/poll/mail/pop3/limits.ts';
import { mailError, PATIENT } from './pop3-support.ts';

const ALL = { keepBytes: 1_000_000, drainBytes: 0 };

function readerOf(chunks: readonly (string | Buffer)[], limits: Partial<Pop3Limits> = {}) {
  const source = new PassThrough();
  const reader = new ByteReader('mail.test:110', { ...PATIENT, ...limits });
  reader.attach(source);
  reader.begin('the reply to TEST', PATIENT.replyTimeoutMs);
  for (const chunk of chunks) source.write(chunk);
  return { reader, source };
}

describe('ByteReader', () => {
  it('reads replies from any chunking, and nothing of the next one', async () => {
    const wire = '+OK 1\r\nFrom: é\r\n\r\n..dot\r\n.\r\n+OK 2\r\n.\r\n-ERR no\r\n';
    const bytes = Buffer.from(wire, 'latin1');
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 40 }), async (places) => {
        const at = [...new Set(places)].sort((a, b) => a - b);
        const chunks = [0, ...at].map((from, index) => bytes.subarray(from, at[index] ?? bytes.length));
        const { reader } = readerOf(chunks.filter((chunk) => chunk.length > 0));
        expect(await reader.readLine()).toBe('+OK 1');
        expect((await reader.readBody(ALL)).bytes.toString('latin1')).toBe('From: é\r\n\r\n.dot\r\n');
        expect(await reader.readLine()).toBe('+OK 2');
        expect(await reader.readBody(ALL)).toMatchObject({ totalBytes: 0, ended: true });
        expect(await reader.readLine()).toBe('-ERR no');
        expect(reader.unreadBytes).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  it('ends with the line cap on a line without end, in one chunk or in many', async () => {
    for (const chunks of [['x'.repeat(5_000)], Array.from({ length: 500 }, () => 'x'.repeat(10))]) {
      const { reader } = readerOf(chunks);
      const error = await mailError(reader.readLine());
      expect(error).toMatchObject({ code: 'protocol' });
      expect(error.message).toContain('a line longer than 4096 bytes');
    }
  });

  it('keeps no more of a body than asked, and reads on to its end', async () => {
    const { reader } = readerOf([`${'0123456789\r\n'.repeat(100)}.\r\n+OK\r\n`]);
    const body = await reader.readBody({ keepBytes: 15, drainBytes: 10_000 });
    expect(body).toMatchObject({ totalBytes: 1_200, ended: true });
    expect(body.bytes.toString()).toBe('0123456789\r\n012');
    expect(await reader.readLine()).toBe('+OK');
  });

  it('gives a body up that goes on behind the cap', async () => {
    const { reader, source } = readerOf([]);
    const reading = reader.readBody({ keepBytes: 10, drainBytes: 1_000 });
    source.write('x'.repeat(2_000));
    expect(await reading).toMatchObject({ ended: false, totalBytes: 2_000 });
  });

  it('leaves bytes in the socket while nobody reads, and takes them when asked', async () => {
    const { reader, source } = readerOf([], { readAheadBytes: 100_000 });
    const body = Buffer.alloc(3_000_000, 'line of text\r\n');
    const written = new Promise<void>((resolve) => {
      source.write(body, () => resolve());
    });
    for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
    source.end('\r\n.\r\n');
    // PassThrough hands a write on in one piece, so the one chunk is here and the pause shows in the stream.
    expect(source.isPaused()).toBe(true);
    expect((await reader.readBody({ keepBytes: 5_000_000, drainBytes: 0 })).totalBytes).toBe(3_000_002);
    await written;
  });

  it('does not wait longer than the idle time for a byte', async () => {
    const { reader } = readerOf(['+O'], { idleTimeoutMs: 30 });
    const error = await mailError(reader.readLine());
    expect(error).toMatchObject({ code: 'network' });
    expect(error.message).toContain('the reply to TEST');
  });

  it('ends a reply whose bytes come one by one, however often they come', async () => {
    const { reader, source } = readerOf([], { idleTimeoutMs: 10_000 });
    reader.begin('the reply to TEST', 120);
    const trickle = setInterval(() => source.write('x'), 10);
    try {
      expect(await mailError(reader.readLine())).toMatchObject({ code: 'network' });
    } finally {
      clearInterval(trickle);
    }
  });

  it('allows a body more time than a reply has while it comes fast enough', async () => {
    const { reader, source } = readerOf([], { idleTimeoutMs: 10_000, minBytesPerSecond: 1_000 });
    reader.begin('the reply to TEST', 100);
    let sent = 0;
    const feed = setInterval(() => {
      sent += 1;
      source.write(sent < 20 ? `${'x'.repeat(98)}\r\n` : '.\r\n');
    }, 10);
    try {
      expect(await reader.readBody(ALL)).toMatchObject({ ended: true });
    } finally {
      clearInterval(feed);
    }
  });

  it('reads what came before the connection ended, then says that it ended', async () => {
    const { reader, source } = readerOf(['+OK last\r\n']);
    source.end();
    await new Promise((resolve) => source.once('end', resolve));
    expect(await reader.readLine()).toBe('+OK last');
    expect((await mailError(reader.readLine())).message).toContain('closed the connection');
  });
});
