import { simpleParser } from 'mailparser';
import PostalMime from 'postal-mime';
import { parseMessage } from '../../functions/poll/parse/parse-message.ts';
import { createParsePool } from '../../functions/poll/parse/parse-pool.ts';
import type { ParsedMessage, ParseJob } from '../../functions/poll/parse/types.ts';
import { accountIdOf, eventIdOf, type Source } from '../../shared/identity.ts';
import { type Measurement, measure } from './measure.ts';
import type { Workload } from './workload.ts';

/** As many messages as a poll hands over at once. */
const BATCH_MESSAGES = 50;

/** Code gets its final form within the first thousands of mails. */
const PARSER_RUNS = 5;
const PARSER_WARM_UPS = 3;

/** The options that make mailparser do least: no texts made out of others, links and images left alone. */
const LEAN = {
  skipHtmlToText: true,
  skipTextToHtml: true,
  skipTextLinks: true,
  skipImageLinks: true,
  keepCidLinks: true,
  checksumAlgo: 'sha256',
};

/** The parse stage as a poll has it: messages in batches to the pool, three under way. */
export async function measureParsing(workload: Workload): Promise<Measurement> {
  const pool = createParsePool();
  try {
    // Starts the thread and loads its program: mailparser is loaded before it is measured too.
    await pool.parse(parseJobs(workload, 0).slice(0, 1));
    const work = {
      name: 'parse: the pool, one thread',
      mails: workload.mails.length,
      bytes: workload.bytes,
      run: async () => {
        await parseAll(pool.parse, parseJobs(workload, 1));
      },
    };
    return await measure(work, PARSER_RUNS, PARSER_WARM_UPS);
  } finally {
    await pool.close();
  }
}

/**
 * One message after the other on this thread: whole events as the pool makes them, then what the parsers alone take. Events
 * have a text where a mail has only HTML, which of mailparser has to be asked for.
 */
export async function measureParsers(
  workload: Workload,
  note: (measurement: Measurement) => void,
): Promise<void> {
  const jobs = parseJobs(workload, 2);
  const { mails, bytes } = workload;
  const parsers: readonly [string, () => Promise<void>][] = [
    ['parse: whole events, this thread', () => eachOf(jobs, parseMessage)],
    ['  mailparser alone, lean, this thread', () => eachOf(mails, (mail) => simpleParser(mail, LEAN))],
    [
      '  mailparser alone, with text for HTML',
      () => eachOf(mails, (mail) => simpleParser(mail, { ...LEAN, skipHtmlToText: false })),
    ],
    ['  postal-mime alone, this thread', () => eachOf(mails, (mail) => PostalMime.parse(mail))],
  ];
  for (const [name, run] of parsers) {
    note(await measure({ name, mails: mails.length, bytes, run }, PARSER_RUNS, PARSER_WARM_UPS));
  }
}

async function eachOf<Item>(items: readonly Item[], act: (item: Item) => Promise<unknown>): Promise<void> {
  for (const item of items) await act(item);
}

/** One job for each mail; another UIDVALIDITY makes other messages of the same mails. */
export function parseJobs(workload: Workload, uidValidity: number): ParseJob[] {
  const login = {
    protocol: 'imap',
    host: 'imap.example.com',
    port: 993,
    username: 'ana@example.com',
  } as const;
  const id = accountIdOf(login);
  return workload.mails.map((bytes, index) => {
    const source: Source = {
      protocol: 'imap',
      mailbox: 'INBOX',
      uidValidity: String(uidValidity),
      uid: index + 1,
    };
    return {
      id: eventIdOf(id, source),
      account: { id, name: 'bench' },
      source,
      backfill: false,
      receivedAt: '2026-01-02T03:04:05.000Z',
      flags: [],
      labels: [],
      bytes,
      oversizeBytes: null,
      linkBase: null,
    };
  });
}

/** Parses all jobs in the batches of a poll, all batches asked for at once: the pool takes one after the other. */
export async function parseAll(
  parse: (jobs: readonly ParseJob[]) => Promise<readonly ParsedMessage[]>,
  jobs: readonly ParseJob[],
): Promise<ParsedMessage[]> {
  const parsed = await Promise.all(batchesOf(jobs, BATCH_MESSAGES).map((batch) => parse(batch)));
  return parsed.flat();
}

/** Cuts a list into parts of at most `size`. */
export function batchesOf<Item>(items: readonly Item[], size: number): Item[][] {
  const batches: Item[][] = [];
  for (let at = 0; at < items.length; at += size) batches.push(items.slice(at, at + size));
  return batches;
}
