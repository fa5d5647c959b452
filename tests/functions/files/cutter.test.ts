import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Cutter, createCutter } from '../../../functions/files/cutter.ts';
import type { BlobRef } from '../../../shared/ports/blobs.ts';
import { attachedMails } from '../../support/attached-mails.ts';

const RAW = 'raw' as BlobRef;
const MEGABYTE = 1024 * 1024;

let folder: string;
let cutter: Cutter | null = null;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailhook-cut-'));
});
afterEach(async () => {
  await cutter?.close();
  rmSync(folder, { recursive: true, force: true });
});

const downloads = () => join(folder, 'downloads');

/** A cutter of one message. `program` is its thread's, in place of the real one. */
async function open(
  raw: Buffer,
  program?: string,
  limits: { readonly budgetMs?: number; readonly maxHeldBytes?: number; readonly idleMs?: number } = {},
): Promise<Cutter> {
  const blobs = {
    async open() {
      return Readable.from(pieces(raw));
    },
  };
  const own = join(folder, 'thread.mjs');
  if (program !== undefined) writeFileSync(own, program);
  cutter = await createCutter({
    ...{ blobs, folder: downloads() },
    ...(program !== undefined && { workerUrl: new URL(`file://${own}`) }),
    ...limits,
  });
  return cutter;
}

function* pieces(raw: Buffer): Iterable<Buffer> {
  for (let at = 0; at < raw.length; at += MEGABYTE) yield raw.subarray(at, at + MEGABYTE);
}

const READY = `import { parentPort } from 'node:worker_threads';
parentPort.postMessage({ kind: 'ready' });`;
const [MAIL] = attachedMails();
const raw = MAIL?.raw ?? Buffer.alloc(0);

describe('createCutter()', () => {
  it('takes away what an earlier process left', async () => {
    mkdirSync(downloads());
    writeFileSync(join(downloads(), 'left'), 'of a mail');
    await open(raw);
    expect(readdirSync(downloads())).toEqual([]);
  });
});

describe('cut()', () => {
  it('cuts several attachments of one message, and leaves out those that are not there', async () => {
    const many = attachedMails().find(({ subject }) => subject === 'many');
    const { cut } = await open(many?.raw ?? Buffer.alloc(0));
    const answer = await cut({ raw: RAW, sizeBytes: many?.raw.length ?? 0 }, ['20', '3', '21']);
    if (answer.kind !== 'cut') throw new Error(answer.kind);
    const found = [...answer.parts].map(async ([id, part]) => [id, (await part.read()).toString()]);
    expect((await Promise.all(found)).sort()).toEqual([
      ['20', 'number 19'],
      ['3', 'number 2'],
    ]);
    await answer.dispose();
    expect(readdirSync(downloads())).toEqual([]);
  });

  it('does one after the other, and each of them', async () => {
    const { cut } = await open(raw);
    const source = { raw: RAW, sizeBytes: raw.length };
    const cuts = await Promise.all(Array.from({ length: 5 }, () => cut(source, ['1'])));
    expect(cuts.map(({ kind }) => kind)).toEqual(Array(5).fill('cut'));
    expect(readdirSync(downloads())).toHaveLength(5);
  });

  it('turns away what would wait behind too many', async () => {
    const { cut } = await open(raw);
    const source = { raw: RAW, sizeBytes: raw.length };
    const cuts = await Promise.all(Array.from({ length: 70 }, () => cut(source, ['1'])));
    expect(cuts.filter(({ kind }) => kind === 'busy')).toHaveLength(6);
    expect((await cut(source, ['1'])).kind).toBe('cut');
  });

  it('gives up a message that takes too long, and cuts the next one', async () => {
    const hangs = `${READY} import { writeFileSync } from 'node:fs';
      parentPort.on('message', ({ wanted }) => {
        for (const { path } of wanted) writeFileSync(path, 'a part');
        while (true);
      });`;
    const { cut } = await open(raw, hangs, { budgetMs: 200 });
    const source = { raw: RAW, sizeBytes: raw.length };
    expect(await cut(source, ['1'])).toEqual({ kind: 'failed', reason: 'Cutting took longer than 0.2 s' });
    expect(await cut(source, ['1'])).toEqual({ kind: 'failed', reason: 'Cutting took longer than 0.2 s' });
    expect(readdirSync(downloads())).toEqual([]);
  });

  it('outlives a thread that dies, and says no more of it than its kind', async () => {
    const dies = `${READY} parentPort.on('message', () => { throw new TypeError('secret content'); });`;
    const { cut } = await open(raw, dies);
    const source = { raw: RAW, sizeBytes: raw.length };
    expect(await cut(source, ['1'])).toEqual({
      kind: 'failed',
      reason: 'The cutting thread failed: TypeError',
    });
    const stops = `${READY} parentPort.on('message', () => process.exit(0));`;
    writeFileSync(join(folder, 'thread.mjs'), stops);
    expect(await cut(source, ['1'])).toMatchObject({ kind: 'failed' });
  });

  it('refuses to begin while as much as is allowed is held for downloads', async () => {
    const { cut } = await open(raw, undefined, { maxHeldBytes: 1 });
    const source = { raw: RAW, sizeBytes: raw.length };
    const first = await cut(source, ['1']);
    if (first.kind !== 'cut') throw new Error(first.kind);
    expect(await cut(source, ['1'])).toEqual({ kind: 'busy' });
    await first.dispose();
    await first.dispose();
    expect((await cut(source, ['1'])).kind).toBe('cut');
  });

  it('ends a download of which nothing is taken', async () => {
    const { cut } = await open(raw, undefined, { idleMs: 10 });
    const answer = await cut({ raw: RAW, sizeBytes: raw.length }, ['1']);
    if (answer.kind !== 'cut') throw new Error(answer.kind);
    const stream = answer.parts.get('1')?.open() ?? Readable.from([]);
    await once(stream, 'close');
    expect(stream.readableEnded).toBe(false);
  });

  it('throws when the disk is full, because the same message can be cut later', async () => {
    const fills = `${READY} import { writeFileSync } from 'node:fs';
      parentPort.on('message', ({ wanted }) => {
        for (const { path } of wanted) writeFileSync(path, 'a part');
        throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
      });`;
    const { cut } = await open(raw, fills);
    const source = { raw: RAW, sizeBytes: raw.length };
    await expect(cut(source, ['1'])).rejects.toThrow('The cutting thread failed: ENOSPC');
    expect(readdirSync(downloads())).toEqual([]);
    const finds = `${READY} parentPort.on('message', () => parentPort.postMessage({ kind: 'cut', found: [] }));`;
    writeFileSync(join(folder, 'thread.mjs'), finds);
    expect((await cut(source, ['1'])).kind).toBe('cut');
  });

  it('throws when no thread starts, because no message is to blame', async () => {
    const { cut } = await open(raw, `process.exit(0);`);
    const source = { raw: RAW, sizeBytes: raw.length };
    await expect(cut(source, ['1'])).rejects.toThrow('Cannot cut attachments: The cutting thread stopped');
  });

  it('fails when the message is not of the size that its event says', async () => {
    const { cut } = await open(raw);
    for (const sizeBytes of [raw.length - 1, raw.length + 1]) {
      await expect(cut({ raw: RAW, sizeBytes }, ['1'])).rejects.toThrow('is not of that size');
    }
    expect((await cut({ raw: RAW, sizeBytes: raw.length }, ['1'])).kind).toBe('cut');
  });

  it('cuts 45 MB out of a mail of 62 MB in bounded memory', async () => {
    const bytes = Buffer.alloc(45 * MEGABYTE, 'mailhook');
    const head = 'From: a@example.com\r\nContent-Type: application/x-large; name="l.bin"\r\n';
    const encoded = bytes.toString('base64').replace(/.{76}/g, '$&\r\n');
    const large = Buffer.from(`${head}Content-Transfer-Encoding: base64\r\n\r\n${encoded}`);
    const { cut } = await open(large);
    const before = process.memoryUsage().rss;
    const startedMs = performance.now();
    const answer = await cut({ raw: RAW, sizeBytes: large.length }, ['1']);
    const grownMb = Math.round((process.memoryUsage().rss - before) / MEGABYTE);
    const tookSec = ((performance.now() - startedMs) / 1_000).toFixed(1);
    if (answer.kind !== 'cut') throw new Error(answer.kind);
    expect(answer.parts.get('1')).toMatchObject({
      ...{ size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') },
    });
    console.info(`a mail of ${Math.round(large.length / MEGABYTE)} MB took ${tookSec} s and ${grownMb} MB`);
    expect(grownMb).toBeLessThan(256);
    await answer.dispose();
    expect(existsSync(downloads())).toBe(true);
  });
});
