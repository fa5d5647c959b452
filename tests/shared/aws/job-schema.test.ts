import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatJob, parseJob } from '../../../shared/aws/job-schema.ts';
import type { AccountId, EventId, WebhookId } from '../../../shared/identity.ts';
import {
  ACCOUNTS_PER_JOB,
  DELIVERIES_PER_JOB,
  type DispatchJob,
  type Job,
  type PollJob,
  type PollReason,
} from '../../../shared/jobs.ts';

const BASE32 = [...'abcdefghijklmnopqrstuvwxyz234567'];
const idWith = <Id extends string>(prefix: string, length: number) =>
  fc
    .string({ unit: fc.constantFrom(...BASE32), minLength: length, maxLength: length })
    .map((text) => (prefix + text) as Id);

const reason: fc.Arbitrary<PollReason> = fc.oneof(
  fc.constantFrom('backlog' as const, 'manual' as const),
  fc
    .date({ min: new Date('2020-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
    .map((date) => ({ slot: date.toISOString() })),
);
const pollJobs: fc.Arbitrary<PollJob> = fc
  .array(fc.tuple(idWith<AccountId>('acc_', 16), reason), { minLength: 1, maxLength: ACCOUNTS_PER_JOB })
  .map((accounts) => ({ kind: 'poll', accounts: accounts.map(([id, why]) => ({ id, reason: why })) }));
const dispatchJobs: fc.Arbitrary<DispatchJob> = fc
  .array(fc.tuple(idWith<EventId>('msg_', 26), idWith<WebhookId>('wh_', 16)), {
    minLength: 1,
    maxLength: DELIVERIES_PER_JOB,
  })
  .map((refs) => ({
    kind: 'dispatch',
    deliveries: refs.map(([eventId, webhookId]) => ({ eventId, webhookId })),
  }));
const jobs: fc.Arbitrary<Job> = fc.oneof(pollJobs, dispatchJobs);

const account = { id: 'acc_aaaaaaaaaaaaaaaa', reason: 'backlog' };
const delivery = { eventId: `msg_${'a'.repeat(26)}`, webhookId: 'wh_aaaaaaaaaaaaaaaa' };
const many = <Item>(count: number, item: Item) => Array.from({ length: count }, () => item);

describe('parseJob()', () => {
  it('reads back whatever job was formatted', () => {
    fc.assert(
      fc.property(jobs, (job) => {
        expect(parseJob(formatJob(job))).toEqual({ ok: true, job });
      }),
    );
  });

  it('never throws, and a job that it reads out of anything can be formatted and read again', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), jobs.map(formatJob)), (text) => {
        const parsed = parseJob(text);
        if (parsed.ok) expect(parseJob(formatJob(parsed.job))).toEqual(parsed);
        else expect(parsed.reason).not.toBe('');
      }),
    );
  });

  it.each<[string, unknown]>([
    ['kind is neither "poll" nor "dispatch"', { kind: 'admin', accounts: [account] }],
    ['kind is neither "poll" nor "dispatch"', {}],
    ['not an object', [account]],
    ['not an object', null],
    ['a field that no poll job has', { kind: 'poll', accounts: [account], now: true }],
    ['a field that no dispatch job has', { kind: 'dispatch', deliveries: [delivery], secret: 'x' }],
    ['accounts is not a list', { kind: 'poll' }],
    ['accounts is not a list', { kind: 'poll', accounts: [] }],
    ['accounts is not a list', { kind: 'poll', accounts: many(ACCOUNTS_PER_JOB + 1, account) }],
    ['accounts is not a list', { kind: 'poll', accounts: [{ ...account, id: 'acc_1' }] }],
    ['accounts is not a list', { kind: 'poll', accounts: [{ ...account, reason: 'because' }] }],
    ['accounts is not a list', { kind: 'poll', accounts: [{ ...account, reason: { slot: 'today' } }] }],
    [
      'accounts is not a list',
      { kind: 'poll', accounts: [{ ...account, reason: { slot: '2026-13-45T00:00:00.000Z' } }] },
    ],
    ['accounts is not a list', { kind: 'poll', accounts: [{ ...account, password: 'x' }] }],
    ['deliveries is not a list', { kind: 'dispatch', deliveries: many(DELIVERIES_PER_JOB + 1, delivery) }],
    ['deliveries is not a list', { kind: 'dispatch', deliveries: [{ ...delivery, webhookId: '../x' }] }],
    ['deliveries is not a list', { kind: 'dispatch', deliveries: [null] }],
  ])('refuses with "%s"', (reasonText, value) => {
    const parsed = parseJob(JSON.stringify(value));
    expect(parsed).toMatchObject({ ok: false, reason: expect.stringContaining(reasonText) });
  });

  it('refuses a text that is too long before it is parsed, and one that is no JSON, without quoting either', () => {
    expect(parseJob('['.repeat(1_000_000))).toEqual({ ok: false, reason: 'longer than 16384 characters' });
    expect(parseJob('secret')).toEqual({ ok: false, reason: 'not JSON' });
  });

  it('the largest jobs are well within the limit', () => {
    const slot = { id: 'acc_aaaaaaaaaaaaaaaa' as AccountId, reason: { slot: '2026-11-25T08:00:00.000Z' } };
    const largest = formatJob({ kind: 'poll', accounts: many(ACCOUNTS_PER_JOB, slot) });
    expect(parseJob(largest).ok).toBe(true);
  });
});
