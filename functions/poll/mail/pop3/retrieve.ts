import type { Fetched, FetchLimits, Head, Listed } from '../../../../shared/ports/mail-source.ts';
import { MAX_PROBES, RefusalRun, spread } from '../refusals.ts';
import type { BodyLimit } from './byte-reader.ts';
import type { Maildrop } from './maildrop.ts';
import type { Answer, Command, Pop3Session } from './pop3-session.ts';

/** What a message without a known size is expected to weigh. */
const UNKNOWN_BYTES = 128 * 1024;
const HEAD_BYTES = 8 * 1024;
const BLANK_LINES = [Buffer.from('\r\n\r\n'), Buffer.from('\n\n')];

/** Response codes (RFC 2449 section 8, RFC 3206) that say nothing of the message: the next one would fare no better. */
const NOT_ABOUT_A_MESSAGE = new Set(['SYS/TEMP', 'IN-USE', 'LOGIN-DELAY', 'LIMIT', 'UNAVAILABLE']);

interface Request {
  readonly item: Listed;
  readonly number: number | null;
  readonly sizeBytes: number | null;
  /** Null when the message is not in the maildrop. */
  readonly command: Command | null;
}

/**
 * Fetches messages in the order given, by RETR. One that LIST shows above the limit is asked for its header section
 * only (TOP, where the server has it). One that turns out larger while it comes is read to its end and thrown away, up
 * to `maxDrainBytes`; above that the session is given up: the message is yielded as `oversize` all the same, and the
 * next call throws, so the rest is for the next session. Throws MailError, too, when the server refuses message after message
 * and hands out none of the others either.
 */
export async function* fetchMessages(
  session: Pop3Session,
  maildrop: Maildrop,
  items: readonly Listed[],
  limits: FetchLimits,
): AsyncGenerator<Fetched, void, void> {
  const requests = items.map((item) =>
    request(maildrop, item, (number, sizeBytes) =>
      sizeBytes !== null && sizeBytes > limits.maxSizeBytes
        ? largeCommand(session, number)
        : retrCommand(session, number, limits.maxSizeBytes, sizeBytes ?? UNKNOWN_BYTES),
    ),
  );
  const judged: Judged = { session, maildrop, requests, run: new RefusalRun(), refused: new Set() };
  for (let next = 0; next < requests.length; ) {
    for await (const { item, number, sizeBytes, answer } of answers(session, requests.slice(next))) {
      next += 1;
      const wasInDoubt = answer !== null && (await isInDoubt(judged, answer.reply, number, next));
      yield answer === null ? { kind: 'gone', item } : fetched(item, sizeBytes, answer, limits);
      // What was asked for ahead was read away by the probes, and is asked for again.
      if (wasInDoubt) break;
    }
  }
}

/** A fetch under way, as far as it decides whose fault a refusal is. */
interface Judged {
  readonly session: Pop3Session;
  readonly maildrop: Maildrop;
  readonly requests: readonly Request[];
  readonly run: RefusalRun;
  /** Numbers of the messages that the server refused. */
  readonly refused: Set<number>;
}

/** Whether the server was in doubt after this reply, and other messages showed that it is well. Throws MailError when it is not. */
async function isInDoubt(
  { session, maildrop, requests, run, refused }: Judged,
  reply: Answer['reply'],
  number: number | null,
  next: number,
): Promise<boolean> {
  if (reply.kind !== 'err') {
    run.end();
    return false;
  }
  const refusal = () => session.refusal(reply, `fetch a message from "${session.peer}"`, 'command');
  if (isAboutServer(reply.code)) throw refusal();
  if (number !== null) refused.add(number);
  if (!run.isDoubtful()) return false;
  const pending = new Set(requests.slice(next).map((request) => request.number));
  if (!(await handsOutOthers(session, maildrop, refused, pending))) throw refusal();
  run.acquit();
  return true;
}

function isAboutServer(code: string | null): boolean {
  return code !== null && NOT_ABOUT_A_MESSAGE.has(code);
}

/**
 * Whether the server hands out any of a few other messages: then it is well, and those it `refused` are at fault. By TOP where
 * it may have that. RETR is for messages only that are not `pending`: some servers (Gmail) hide what was retrieved.
 */
async function handsOutOthers(
  session: Pop3Session,
  maildrop: Maildrop,
  refused: ReadonlySet<number>,
  pending: ReadonlySet<number | null>,
): Promise<boolean> {
  const hasTop = mayHaveTop(session);
  const others = maildrop.without(refused).filter((number) => hasTop || !pending.has(number));
  for (const number of spread(others, MAX_PROBES)) {
    const command = hasTop
      ? topCommand(session, number, 1)
      : retrCommand(session, number, session.limits.maxHeadBytes, UNKNOWN_BYTES);
    const { reply } = await session.command(command);
    if (reply.kind === 'ok') return true;
    if (reply.kind === 'err' && isAboutServer(reply.code)) return false;
  }
  return false;
}

/** Fetches header sections in the order given, by TOP (RFC 1939 section 7); null where the server will not. */
export async function* fetchHeads(
  session: Pop3Session,
  maildrop: Maildrop,
  items: readonly Listed[],
): AsyncGenerator<Head, void, void> {
  if (!mayHaveTop(session)) {
    for (const item of items) yield { item, head: null };
    return;
  }
  const requests = items.map((item) => request(maildrop, item, (number) => topCommand(session, number)));
  for await (const { item, answer } of answers(session, requests)) {
    yield { item, head: answer?.body ? headOf(answer.body.bytes) : null };
  }
}

/** The header section of a message with the blank line behind it; all of it when there is none. */
export function headOf(message: Buffer): Buffer {
  if (message.indexOf('\r\n') === 0) return message.subarray(0, 2);
  const ends = BLANK_LINES.map((blank) => message.indexOf(blank) + blank.length).filter((end) => end > 3);
  return ends.length === 0 ? message : message.subarray(0, Math.min(...ends));
}

function request(
  maildrop: Maildrop,
  item: Listed,
  commandFor: (number: number, sizeBytes: number | null) => Command,
): Request {
  const place = item.source.protocol === 'pop3' ? maildrop.find(item.source.uidl) : { kind: 'none' as const };
  if (place.kind === 'none') return { item, number: null, sizeBytes: item.sizeBytes, command: null };
  const sizeBytes = place.sizeBytes ?? item.sizeBytes;
  return { item, number: place.number, sizeBytes, command: commandFor(place.number, sizeBytes) };
}

async function* answers(
  session: Pop3Session,
  requests: readonly Request[],
): AsyncGenerator<Request & { readonly answer: Answer | null }, void, void> {
  const commands = requests.flatMap(({ command }) => (command === null ? [] : [command]));
  const exchange = session.exchange(commands);
  for (const asked of requests) {
    if (asked.command === null) {
      yield { ...asked, answer: null };
      continue;
    }
    const { value: answer } = await exchange.next();
    if (!answer) throw new Error('a command had no answer');
    yield { ...asked, answer };
  }
}

function fetched(item: Listed, listedBytes: number | null, answer: Answer, limits: FetchLimits): Fetched {
  const { reply, body } = answer;
  // Whatever it says: the message was listed in this session, and only the next listing can say that it is gone.
  if (body === null) return { kind: 'failed', item, error: `the server says "${reply.text}"` };
  const tooLarge = listedBytes !== null && listedBytes > limits.maxSizeBytes;
  if (tooLarge || body.totalBytes > limits.maxSizeBytes) {
    const sizeBytes = Math.max(listedBytes ?? 0, body.totalBytes);
    return { kind: 'oversize', item, head: headOf(body.bytes), sizeBytes };
  }
  if (body.totalBytes === 0 && listedBytes !== 0 && listedBytes !== null) {
    return { kind: 'failed', item, error: `the server sent nothing of ${listedBytes} bytes` };
  }
  return { kind: 'raw', item, bytes: body.bytes };
}

/** A server without CAPA may have TOP all the same. */
function mayHaveTop(session: Pop3Session): boolean {
  return session.capabilities.top || !session.capabilities.known;
}

function largeCommand(session: Pop3Session, number: number): Command {
  if (mayHaveTop(session)) return topCommand(session, number);
  return retrCommand(session, number, session.limits.maxHeadBytes, Number.POSITIVE_INFINITY);
}

function topCommand(session: Pop3Session, number: number, lines = 0): Command {
  const body = limit(session, session.limits.maxHeadBytes);
  return { line: `TOP ${number} ${lines}`, name: `TOP ${number}`, body, weightBytes: HEAD_BYTES };
}

function retrCommand(session: Pop3Session, number: number, keepBytes: number, weightBytes: number): Command {
  return { line: `RETR ${number}`, name: `RETR ${number}`, body: limit(session, keepBytes), weightBytes };
}

function limit(session: Pop3Session, keepBytes: number): BodyLimit {
  return { keepBytes, drainBytes: session.limits.maxDrainBytes };
}
