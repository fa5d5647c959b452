import { expect, it } from 'vitest';
import type { EventId } from '../../../shared/identity.ts';
import type { BlobRef } from '../../../shared/ports/blobs.ts';
import { startLimitedChild } from './child.ts';
import { expectConsistent } from './consistency.ts';
import { openInFolder, temporaryFolder } from './folders.ts';

/** More than the empty database needs, less than is written. */
const BLOCKS = 4_000;

it('a disk that is full: nothing is acknowledged that is not kept, and what has room goes on', async () => {
  const folder = temporaryFolder();
  const child = startLimitedChild(BLOCKS, './limited-process.ts', folder);
  const said: string[][] = [];
  for await (const line of child.lines) said.push(line.split(' '));
  const blobs = said.filter(([what]) => what === 'blob');
  const events = said.flatMap(([what, id]) => (what === 'event' ? [id as EventId] : []));
  expect(events.length).toBeGreaterThan(5);
  // After a pack could not grow the next blobs went into another one.
  const refusedAt = said.findIndex(([what, kind]) => what === 'refused' && kind === 'blob');
  expect(refusedAt).toBeGreaterThan(0);
  expect(said.slice(refusedAt).some(([what]) => what === 'blob')).toBe(true);

  const { store, blobs: read, close } = await openInFolder({ folder });
  for (const [, ref, fill] of blobs) {
    const bytes = await read.read(ref as BlobRef);
    expect(bytes.byteLength === 100_000 && bytes.every((byte) => byte === Number(fill))).toBe(true);
  }
  const listed = await store.messages({}, { after: null, limit: 1_000 });
  expect(new Set(listed.data.map(({ event }) => event.id))).toEqual(new Set(events));
  await close();
  expectConsistent(folder);
});
