import { writeSync } from 'node:fs';
import { openEmbedded } from '../../../shared/embedded/open.ts';
import { TestClock } from '../../contract/fixtures.ts';
import { Scene } from '../../contract/scene.ts';

/**
 * Fills a data folder where no file may grow beyond a limit, as on a disk that is full: prints what was acknowledged, and
 * `refused` for what was not.
 */
const clock = new TestClock();
const { store, blobs, close } = await openEmbedded({ folder: process.argv[2] ?? '', clock });
const scene = new Scene({ store, blobs, clock });

// Blobs first, because the last of them must not need the database to have room.
for (let refused = 0, number = 0; refused < 1 || number < 60; number++) {
  const written = await blobs.put('raw', Buffer.alloc(100_000, number)).catch(() => null);
  if (written === null) refused += 1;
  say(written === null ? 'refused blob' : `blob ${written} ${number % 256}`);
}
const account = await scene.addAccount();
const fence = await scene.lease(account.id);
const body = await blobs.put('event', Buffer.from('small'));
for (let refused = 0; refused < 3; ) {
  const event = await scene.event(account, [], { subject: 'x'.repeat(20_000), raw: null, body });
  const answer = await store.commit(fence, [event], clock.now()).catch(() => null);
  if (answer === null) refused += 1;
  say(answer === null ? 'refused event' : `event ${event.id}`);
  const known = await store.known([event.id]);
  if (known.has(event.id) !== (answer !== null)) throw new Error('What was refused is there, or the reverse');
}
await close().catch(() => undefined);

function say(line: string): void {
  writeSync(1, `${line}\n`);
}
