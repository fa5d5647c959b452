import { expect, it } from 'vitest';
import { parseMessage } from '../../functions/poll/parse/parse-message.ts';
import { eventOf, mail, parseJob } from '../support/parse-job.ts';
import { judge } from './thorough/judge.ts';
import type { ReadSample } from './thorough/read-all.ts';
import { ourReading, postalReading, type Reading } from './thorough/reading.ts';

const MAIL = mail('From: a@example.com', 'Subject: one', '', 'text');

/** A mail that all three read alike, except for what is changed. */
async function sample(changes: { ours?: Partial<Reading>; python?: Partial<Reading> }): Promise<ReadSample> {
  const { data } = eventOf(await parseMessage(parseJob(MAIL)));
  const reading = ourReading(data);
  return {
    ...{ id: 'a/1', bytes: MAIL, data, fileHashes: [], postal: await postalReading(MAIL) },
    ours: { ...reading, ...changes.ours },
    python: { ...reading, ...changes.python },
  };
}

it('judge() finds no difference where there is none', async () => {
  const { classes, unexplained, empty, agreed } = judge([await sample({})]);
  expect({ classes, unexplained, empty }).toEqual({ classes: [], unexplained: [], empty: [] });
  expect(agreed.every(({ count, same }) => count === 1 && same === 1)).toBe(true);
});

it('judge() reports what we lose, and counts it where both others agree', async () => {
  const { classes, unexplained, empty, agreed } = judge([await sample({ ours: { subject: '' } })]);
  expect(classes).toEqual(['1 postal-mime: null', '1 python: null']);
  expect(unexplained).toHaveLength(2);
  expect(unexplained[0]).toBe('a/1: subject of postal-mime: ours "", theirs "one"');
  expect(empty).toEqual([{ id: 'a/1', field: 'subject', code: null }]);
  expect(agreed.find(({ field }) => field === 'subject')).toEqual({
    ...{ field: 'subject', count: 1, same: 0, explained: 0 },
  });
});

it('judge() names the class of what is explained', async () => {
  const { classes, unexplained } = judge([await sample({ python: { subject: '' } })]);
  expect(classes).toEqual(['1 python: Python gives up a header']);
  expect(unexplained).toEqual([]);
});
