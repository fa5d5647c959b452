import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Command } from 'commander';
import { createParsePool } from '../../functions/poll/parse/parse-pool.ts';
import type { ParseJob } from '../../functions/poll/parse/types.ts';
import { accountIdOf, eventIdOf } from '../../shared/identity.ts';
import { type Context, show } from '../context.ts';
import { localError, UsageError } from '../errors.ts';
import { fileProblem } from '../file-problem.ts';

/** What the largest account takes. */
const MAX_MAIL_BYTES = 64 * 1024 * 1024;

const HELP = `
It talks to no server. The event is what a webhook would get, except for what a file cannot say: the account is "parse", the
source is a POP3 mailbox whose unique id is the SHA-256 of the mail, so that the same mail always has the same id, it is
received now, and nothing links to it (href is null).`;

/** `mailhook parse FILE`. */
export function addParseCommand(command: Command, context: Context): void {
  command
    .argument('<file>', 'a mail as it was sent (RFC 5322, an .eml file); - for standard input')
    .addHelpText('after', HELP)
    .action((file: string) => parseFile(context, command, file));
}

async function parseFile(context: Context, command: Command, file: string): Promise<void> {
  const bytes =
    file === '-' ? await readAll(context.passwords.stdin, 'Standard input') : await readFile(file);
  const event = await eventOf(bytes, context.now());
  await show(context, command, event, () => context.terminal.line(indented(event)));
}

/** Indented JSON, in which what could steer a terminal is escaped as JSON does with control characters. */
function indented(event: unknown): string {
  return JSON.stringify(event, null, 2).replace(/[^\P{C}\n]/gu, escaped);
}

/** RFC 8259 section 7: a character beyond the first 65,536 is two escapes. */
function escaped(mark: string): string {
  return mark
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
}

async function readFile(file: string): Promise<Buffer> {
  const stream = createReadStream(file);
  try {
    return await readAll(stream, `The file "${file}"`);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`Cannot read "${file}": ${fileProblem(error)}`, { cause: error });
  } finally {
    stream.destroy();
  }
}

/** All of a stream; throws UsageError when that is nothing or more than `MAX_MAIL_BYTES`. */
async function readAll(stream: AsyncIterable<Buffer | string>, what: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > MAX_MAIL_BYTES) throw new UsageError(`${what} is larger than ${MAX_MAIL_BYTES} bytes`);
    chunks.push(bytes);
  }
  if (size === 0) throw new UsageError(`${what} is empty: give a mail as it was sent`);
  return Buffer.concat(chunks);
}

/** The event, by the parser of the poll and in a thread as there: a mail that keeps it busy ends as an event that says so. */
async function eventOf(bytes: Buffer, now: Date): Promise<unknown> {
  const id = accountIdOf({ protocol: 'pop3', host: 'localhost', port: 110, username: 'parse' });
  const source = { protocol: 'pop3', uidl: createHash('sha256').update(bytes).digest('hex') } as const;
  const job: ParseJob = {
    id: eventIdOf(id, source),
    account: { id, name: 'parse' },
    source,
    backfill: false,
    receivedAt: now.toISOString(),
    flags: [],
    labels: [],
    bytes,
    oversizeBytes: null,
    linkBase: null,
  };
  const pool = createParsePool();
  try {
    const [parsed] = await pool.parse([job]);
    if (parsed === undefined) throw localError('internal', 'No event', 'The parser gave no event');
    return JSON.parse(Buffer.from(parsed.event).toString('utf8'));
  } finally {
    await pool.close();
  }
}
