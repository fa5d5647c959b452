import { expect, it } from 'vitest';
import { parseMessage } from '../../functions/poll/parse/parse-message.ts';
import { CLASS_NAMES, generateCorpus } from '../support/mime-corpus.ts';
import { eventOf, parseJob } from '../support/parse-job.ts';
import { manifestFaults } from './manifest-faults.ts';

const SEED = 5;
const COUNT = 5_000;
const MIN_OF_EACH = 50;
/** Takes 5 s; the machine of the tests may have much to do. */
const TIMEOUT_MS = 90_000;

const NAME = 'parseMessage() makes of generated mails of every class the event that their manifest states';

it(NAME, { timeout: TIMEOUT_MS }, async () => {
  const counts = new Map(CLASS_NAMES.map((name) => [name, 0]));
  const faults: string[] = [];
  for (const { id, className, bytes, manifest } of generateCorpus(SEED, COUNT)) {
    counts.set(className, (counts.get(className) ?? 0) + 1);
    const { data } = eventOf(await parseMessage(parseJob(bytes)));
    faults.push(...manifestFaults(manifest, data).map((fault) => `${id}: ${fault}`));
  }
  console.log([...counts].map(([name, count]) => `${count} ${name}`).join('\n'));
  expect(Math.min(...counts.values())).toBeGreaterThanOrEqual(MIN_OF_EACH);
  expect(faults).toEqual([]);
});
