import { simpleParser } from 'mailparser';
import { createParsePool } from '../../functions/poll/parse/parse-pool.ts';
import type { ParsedMessage, ParseJob } from '../../functions/poll/parse/types.ts';
import { accountIdOf, eventIdOf, type Source } from '../../shared/identity.ts';
import { type Measurement, measure } from './measure.ts';
import type { Workload } from './workload.ts';

/** As many messages as a poll hands over at once. */
const BATCH_MESSAGES = 50;

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
    return await measure({
      name: 'parse: the pool, one thread',
      mails: workload.mails.length,
      bytes: workload.bytes,
      run: async () => {
        await parseAll(pool.parse, parseJobs(workload, 1));
      },
    });
  } finally {
    await pool.close();
  }
}

/** mailparser alone, on this thread, one message after the other. */
export function measureMailparser(workload: Workload): Promise<Measurement> {
  return measure({
    name: 'parse: mailparser alone, lean',
    mails: workload.mails.length,
    bytes: workload.bytes,
    run: async () => {
      for (const mail of workload.mails) await simpleParser(mail, LEAN);
    },
  });
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
