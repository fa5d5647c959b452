import { openEmbedded } from '../../../shared/embedded/open.ts';
import { systemClock } from '../../../shared/ports/clock.ts';

// Holds a data folder until it is killed.
await openEmbedded({ folder: process.argv[2] ?? '', clock: systemClock });
console.log('open');
setInterval(() => undefined, 60_000);
