import { afterEach, describe, expect, it } from 'vitest';
import { parseMessage } from '../../../../functions/poll/parse/parse-message.ts';
import {
  createParsePool,
  type ParsePool,
  type ParsePoolOptions,
} from '../../../../functions/poll/parse/parse-pool.ts';
import { generateMails } from '../../../support/mail-generator.ts';
import { eventOf, mail, parseJob } from '../../../support/parse-job.ts';

const pools: ParsePool[] = [];
function pool(options: ParsePoolOptions = {}): ParsePool {
  const made = createParsePool(options);
  pools.push(made);
  return made;
}
const failing = new URL('./failing-worker.ts', import.meta.url);
const good = (n: number) => parseJob(mail(`Subject: good ${n}`, '', `text ${n}`));
const bad = (how: string) => parseJob(mail(`Do: ${how}`, 'Subject: bad', '', 'text'));
const worse = (how: string) => parseJob(mail(`Always-Do: ${how}`, 'Subject: worse', '', 'text'));

afterEach(async () => {
  await Promise.all(pools.splice(0).map((one) => one.close()));
});

describe('a parse pool', () => {
  it('gives what parseMessage gives, in the order of the jobs, across batches and threads', async () => {
    const jobs = generateMails({ seed: 5, count: 100, totalBytes: 9_000_000 }).map((bytes) =>
      parseJob(bytes),
    );
    const results = await pool({ workers: 2 }).parse(jobs);
    const expected = await Promise.all(jobs.map(parseMessage));
    expect(results.length).toBe(100);
    for (const [index, { event, ...rest }] of results.entries()) {
      const { event: expectedEvent, ...expectedRest } = expected[index] ?? { event: Buffer.alloc(0) };
      expect(event.equals(expectedEvent)).toBe(true);
      expect(rest).toEqual(expectedRest);
      expect(event.buffer.byteLength).toBe(event.length);
    }
  });

  it('leaves the bytes of the jobs whole and usable, pooled slices too', async () => {
    const backing = Buffer.concat([mail('Subject: one', '', 'a'), mail('Subject: two', '', 'b')]);
    const copy = Buffer.from(backing);
    const half = backing.length / 2;
    const slices = [backing.subarray(0, half), backing.subarray(half)];
    const results = await pool().parse(slices.map((bytes) => parseJob(bytes)));
    expect(results.map(({ subject }) => subject)).toEqual(['one', 'two']);
    expect(backing.equals(copy)).toBe(true);
  });

  it('answers calls that overlap, and an empty one', async () => {
    const { parse } = pool();
    const calls = Array.from({ length: 20 }, (_, n) => parse([good(n), good(n + 100)]));
    expect(await parse([])).toEqual([]);
    for (const [n, results] of (await Promise.all(calls)).entries()) {
      expect(results.map(({ subject }) => subject)).toEqual([`good ${n}`, `good ${n + 100}`]);
    }
  });

  it('takes an oversize job, and one without any bytes', async () => {
    const head = parseJob(mail('Subject: big', ''), { oversizeBytes: 9_000_000 });
    const results = await pool().parse([head, parseJob(Buffer.alloc(0))]);
    expect(results.map((result) => eventOf(result).data.size)).toEqual([9_000_000, 0]);
  });

  it('loses the body of a message that throws, ends its thread or eats all memory, and nothing else', async () => {
    const jobs = [good(1), bad('throw'), bad('exit'), bad('eat'), good(2)];
    const results = await pool({ workerUrl: failing }).parse(jobs);
    expect(results.map(({ subject }) => subject)).toEqual(['good 1', 'bad', 'bad', 'bad', 'good 2']);
    expect(results.map((result) => result.parseError)).toEqual([
      null,
      'The parser failed: TypeError',
      'The parser stopped',
      'Parsing took more memory than allowed',
      null,
    ]);
    expect(results.map((result) => eventOf(result).data.text)).toEqual([
      'text 1\n',
      null,
      null,
      null,
      'text 2\n',
    ]);
  });

  it('ends a thread that hangs, and every message still has its event', async () => {
    const { parse } = pool({ workerUrl: failing, budgetMsPerMessage: 2_000 });
    const [first, hung, last] = await parse([good(1), bad('hang'), good(2)]);
    expect([first?.parseError, last?.parseError]).toEqual([null, null]);
    expect(hung).toMatchObject({ subject: 'bad', parseError: 'Parsing took longer than 2 s' });
    expect((await parse([good(3)]))[0]?.subject).toBe('good 3');
  });

  it('makes an event without a header of a message whose header alone kills the thread', async () => {
    const job = worse('throw');
    const [result] = await pool({ workerUrl: failing }).parse([job]);
    expect(result).toMatchObject({ subject: null, parseError: 'The parser failed: TypeError' });
    if (result === undefined) throw new Error('Expected a result');
    expect(eventOf(result).data).toMatchObject({ id: job.id, size: job.bytes.length, headers: [] });
  });

  it('makes events even when no thread starts', async () => {
    const [result] = await pool({ workerUrl: new URL('./no-such-file.ts', import.meta.url) }).parse([
      good(1),
    ]);
    expect(result).toMatchObject({ subject: null, parseError: expect.stringContaining('The parser') });
  });

  it('close() waits for what is being parsed, and then refuses', async () => {
    const one = pool();
    await one.parse([good(0)]);
    const order: string[] = [];
    const pending = one.parse([good(1)]).finally(() => order.push('parsed'));
    await one.close();
    order.push('closed');
    expect((await pending)[0]?.subject).toBe('good 1');
    expect(order).toEqual(['parsed', 'closed']);
    await expect(one.parse([good(2)])).rejects.toThrow('closed');
  });
});
