import { beforeAll, describe, expect, it } from 'vitest';
import { CLASS_NAMES, generateCorpus, type Sample } from '../../support/mime-corpus.ts';
import { manifestFaults } from '../manifest-faults.ts';
import { type Difference, explanationOf } from './differences.ts';
import { type Judgement, judge } from './judge.ts';
import { type ReadSample, readAll } from './read-all.ts';

const SEED = 5;
const COUNT = 5_040;
const MIN_OF_EACH = 50;

const samples: readonly Sample[] = generateCorpus(SEED, COUNT);
let read: ReadSample[];
let judgement: Judgement;

/** What a field of a reading is made of, by its name in the manifest. */
const FIELDS: Readonly<Partial<Record<Difference['field'], string>>> = {
  ...{ from: 'authors', files: 'attachments', names: 'attachments', types: 'attachments' },
};

beforeAll(async () => {
  read = await readAll(samples);
  const byId = new Map(samples.map((sample) => [sample.id, sample]));
  judgement = judge(read, (difference) =>
    isAsStated(byId.get(difference.sample.id), difference)
      ? 'the manifest states ours'
      : explanationOf(difference),
  );
}, 300_000);

/** Whether the manifest states the field, and ours is as it states. */
function isAsStated(sample: Sample | undefined, { field, sample: { data } }: Difference): boolean {
  const name = FIELDS[field] ?? field;
  if (sample === undefined || !(name in sample.manifest)) return false;
  return manifestFaults(sample.manifest, data).every((fault) => !fault.startsWith(`${name}:`));
}

describe('parseMessage() on generated mails', () => {
  it('makes the events that the manifests state, of at least 50 mails of each class', () => {
    const counts = CLASS_NAMES.map((name) => samples.filter(({ className }) => className === name).length);
    console.log(CLASS_NAMES.map((name, index) => `${counts[index]} ${name}`).join('\n'));
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(MIN_OF_EACH);
    const faults = samples.flatMap(({ id, manifest }, index) => {
      const data = read[index]?.data;
      return data === undefined
        ? [`${id}: no event`]
        : manifestFaults(manifest, data).map((fault) => `${id}: ${fault}`);
    });
    expect(faults).toEqual([]);
  });

  it('differs from postal-mime and from Python in explained ways only', () => {
    console.log(`Differences, by class\n${judgement.classes.join('\n')}`);
    expect(judgement.unexplained).toEqual([]);
  });
});
