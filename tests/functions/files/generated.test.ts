import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { createCutter } from '../../../functions/files/cutter.ts';
import { parseMessage } from '../../../functions/poll/parse/parse-message.ts';
import type { BlobRef } from '../../../shared/ports/blobs.ts';
import { CLASS_NAMES, generateCorpus } from '../../support/mime-corpus.ts';
import { eventOf, parseJob } from '../../support/parse-job.ts';

const SEED = 7;
const PER_CLASS = 15;

it('cuts out of generated mails of every class what their events describe', {
  timeout: 120_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mailhook-generated-'));
  let present = Buffer.alloc(0);
  const blobs = { open: async () => Readable.from([present]) };
  const cutter = await createCutter({ blobs, folder: join(folder, 'downloads') });
  const wrong: string[] = [];
  let compared = 0;
  for (const { id, bytes } of generateCorpus(SEED, PER_CLASS * CLASS_NAMES.length)) {
    const { attachments } = eventOf(await parseMessage(parseJob(bytes))).data;
    if (attachments.length === 0) continue;
    present = Buffer.from(bytes);
    const source = { raw: id as BlobRef, sizeBytes: bytes.length };
    const cut = await cutter.cut(
      source,
      attachments.map((one) => one.id),
    );
    if (cut.kind !== 'cut') throw new Error(`${id}: ${cut.kind}`);
    for (const { id: number, size, sha256 } of attachments) {
      const part = cut.parts.get(number);
      const isSame = part?.sha256 === sha256 && (await part.read()).length === size;
      if (!isSame) wrong.push(`${id} attachment ${number}`);
      compared += 1;
    }
    await cut.dispose();
  }
  await cutter.close();
  rmSync(folder, { recursive: true, force: true });
  expect(wrong).toEqual([]);
  expect(compared).toBeGreaterThan(200);
  console.info(`${compared} attachments cut out`);
});
