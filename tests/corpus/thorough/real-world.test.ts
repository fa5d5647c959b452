import { beforeAll, describe, expect, it } from 'vitest';
import { type Judgement, judge } from './judge.ts';
import { type ReadSample, readAll } from './read-all.ts';
import { realSamples } from './samples.ts';

/** So many mails the packages of `fetch-samples.sh` ship at least, when some of them cannot be had. */
const MIN_SAMPLES = 500;
const MIN_RIGHT = 0.997;

let read: ReadSample[];
let judgement: Judgement;
beforeAll(async () => {
  read = await readAll(realSamples());
  judgement = judge(read);
  const packages = Map.groupBy(read, ({ id }) => id.split('/', 1)[0]);
  console.log([...packages].map(([name, mails]) => `${mails.length} mails of ${name}`).join('\n'));
  console.log(`Differences, by class\n${judgement.classes.join('\n')}`);
}, 300_000);

describe('parseMessage() on mails that other packages ship', () => {
  it('makes an event of each that docs/schema takes', () => {
    // What docs/schema refuses has made `beforeAll` fail.
    expect(read.length).toBeGreaterThanOrEqual(MIN_SAMPLES);
  });

  it('differs from postal-mime and from Python in explained ways only', () => {
    expect(judgement.unexplained).toEqual([]);
  });

  it('leaves nothing empty where Python finds content', () => {
    const unexplained = judgement.empty.filter(({ code }) => code === null || code === 'two against one');
    expect(unexplained).toEqual([]);
  });

  it('is right in 99.7 % of each field on which the two agree', () => {
    const lines = judgement.agreed.map(
      ({ field, count, same, explained }) => `${field}: ${same} of ${count} the same, ${explained} explained`,
    );
    console.log(`Where postal-mime and Python agree\n${lines.join('\n')}`);
    for (const { field, count, same, explained } of judgement.agreed) {
      expect((same + explained) / count, field).toBeGreaterThanOrEqual(MIN_RIGHT);
    }
  });
});
