import { expect, it } from 'vitest';
import { parseMessage } from '../../functions/poll/parse/parse-message.ts';
import { CLASS_NAMES, generateCorpus } from '../support/mime-corpus.ts';
import { eventOf, parseJob } from '../support/parse-job.ts';
import { manifestFaults } from './manifest-faults.ts';

const SEED = 1;
/** The thorough tests take more of them, and two other parsers: `npm run test:corpus`. */
const PER_CLASS = 20;

it('parseMessage() makes of generated mails of every class the event that their manifest states', async () => {
  const faults: string[] = [];
  for (const { id, bytes, manifest } of generateCorpus(SEED, PER_CLASS * CLASS_NAMES.length)) {
    const { data } = eventOf(await parseMessage(parseJob(bytes)));
    faults.push(...manifestFaults(manifest, data).map((fault) => `${id}: ${fault}`));
  }
  expect(faults).toEqual([]);
});

it('generateCorpus() gives the same mails for the same seed, and others for another', () => {
  const bytesOf = (seed: number) =>
    generateCorpus(seed, CLASS_NAMES.length).map(({ bytes }) => bytes.toString('latin1'));
  expect(bytesOf(2)).toEqual(bytesOf(2));
  expect(bytesOf(2)).not.toEqual(bytesOf(3));
});
