import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { type Embedded, type EmbeddedOptions, openEmbedded } from '../../../shared/embedded/open.ts';
import { TestClock } from '../../contract/fixtures.ts';

const made: string[] = [];

afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** An empty folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mailhook-embedded-'));
  made.push(folder);
  return folder;
}

/** An open data folder of its own, with a clock that the test moves. Syncs nothing unless told to: tests of crashes do. */
export async function openInFolder(
  options: Partial<EmbeddedOptions> = {},
): Promise<Embedded & { readonly clock: TestClock; readonly folder: string }> {
  const clock = new TestClock();
  const folder = options.folder ?? temporaryFolder();
  const embedded = await openEmbedded({ clock, synchronous: 'OFF', ...options, folder });
  return { ...embedded, clock, folder };
}
