import {
  type Fetched,
  type FetchLimits,
  type Head,
  type Listed,
  MailError,
} from '../../../../shared/ports/mail-source.ts';
import { RefusalRun } from '../refusals.ts';
import { type FetchStep, planFetch, planHeads } from './fetch-plan.ts';
import { BATCH_BYTES, MAX_HEAD_BYTES, PART_BYTES } from './limits.ts';
import { handsOutOthers } from './probing.ts';
import {
  existingUids,
  fetchRows,
  HEADER_SECTION,
  type Rows,
  sourceFrom,
  uidOf,
  type Wanted,
} from './rows.ts';
import type { ImapSession } from './session.ts';
import { uidSet } from './uid-set.ts';

/** One call of `fetch`. */
interface Fetching {
  readonly session: ImapSession;
  readonly maxSizeBytes: number;
  readonly run: RefusalRun;
  /** UIDs of the messages that the server refused. */
  readonly refused: Set<number>;
}

/** What became of the messages of a step; an error is thrown once these are handed on. */
interface Outcome {
  readonly byUid: Map<number, Fetched>;
  error: MailError | null;
}

/**
 * Fetches messages of the selected mailbox, in the order given. Rows are collected first and handed on when their FETCH has
 * ended: a command between two rows would wait for ever. Throws MailError after what is complete was handed on.
 */
export async function* fetchMessages(
  session: ImapSession,
  items: readonly Listed[],
  limits: FetchLimits,
): AsyncGenerator<Fetched> {
  const fetching: Fetching = {
    session,
    maxSizeBytes: limits.maxSizeBytes,
    run: new RefusalRun(),
    refused: new Set(),
  };
  for (const step of planFetch(items, limits.maxSizeBytes)) {
    const outcome =
      step.kind === 'heads' ? await fetchOversize(fetching, step) : await fetchBodies(fetching, step);
    for (const item of step.items) {
      const fetched = outcome.byUid.get(uidOf(item));
      if (fetched !== undefined) yield fetched;
    }
    if (outcome.error !== null) throw outcome.error;
  }
}

/** Fetches header sections of messages of the selected mailbox, in the order given; null for one that gives none. */
export async function* fetchHeads(session: ImapSession, items: readonly Listed[]): AsyncGenerator<Head> {
  for (const step of planHeads(items)) {
    const rows = await fetchRows(session, step.items.map(uidOf), HEADER_SECTION, infoOf(step));
    if (rows.error !== null && !isAboutMessages(session, rows.error)) throw rows.error;
    for (const item of step.items) yield { item, head: bytesOf(rows, item) ?? null };
  }
}

async function fetchBodies(fetching: Fetching, step: FetchStep): Promise<Outcome> {
  const outcome: Outcome = { byUid: new Map(), error: null };
  const keep = async (item: Listed, bytes: Buffer) => {
    fetching.run.end();
    outcome.byUid.set(uidOf(item), await completed(fetching, item, bytes));
  };
  return await gather(fetching, step, sourceFrom(0), outcome, keep);
}

async function fetchOversize(fetching: Fetching, step: FetchStep): Promise<Outcome> {
  const outcome: Outcome = { byUid: new Map(), error: null };
  const keep = async (item: Listed, head: Buffer) => {
    fetching.run.end();
    outcome.byUid.set(uidOf(item), {
      kind: 'oversize',
      item,
      head,
      sizeBytes: item.sizeBytes ?? head.length,
    });
  };
  return await gather(fetching, step, HEADER_SECTION, outcome, keep);
}

/** Asks for all at once, again for what is missing, then finds out message by message what is the matter. */
async function gather(
  fetching: Fetching,
  step: FetchStep,
  wanted: Wanted,
  outcome: Outcome,
  keep: (item: Listed, bytes: Buffer) => Promise<void>,
): Promise<Outcome> {
  const { session } = fetching;
  const missing = () => step.items.filter((item) => !outcome.byUid.has(uidOf(item)));
  const keepAll = async (rows: Rows) => {
    for (const item of missing()) {
      const bytes = bytesOf(rows, item);
      if (bytes !== undefined) await keep(item, bytes);
    }
  };
  try {
    const first = await fetchRows(session, step.items.map(uidOf), wanted, infoOf(step));
    const { stoodIn } = first;
    await keepAll(first);
    if (first.error !== null && !isAboutMessages(session, first.error)) throw first.error;
    if (first.error === null && missing().length > 1) {
      const second = await fetchRows(session, missing().map(uidOf), wanted, infoOf(step));
      await keepAll(second);
      if (second.error !== null && !isAboutMessages(session, second.error)) throw second.error;
    }
    const left = missing();
    const existing = await stillThere(session, left, stoodIn);
    for (const item of left) {
      if (existing !== null && !existing.has(uidOf(item)))
        outcome.byUid.set(uidOf(item), { kind: 'gone', item });
      else await askAlone(fetching, item, wanted, outcome, keep);
    }
  } catch (error) {
    if (!(error instanceof MailError)) throw error;
    outcome.error = error;
    // Servers answer in ascending order, so the first that is missing burst the limit. As failed, it is in nobody's way at
    // the next poll; were it another one, that one is just asked for again.
    const [item] = session.hasOverflowed() ? missing() : [];
    if (item !== undefined) outcome.byUid.set(uidOf(item), { kind: 'failed', item, error: error.message });
  }
  return outcome;
}

/** What came of a message; no bytes for one of which the size says that it has none. */
function bytesOf({ bytes, empty }: Rows, item: Listed): Buffer | undefined {
  const isEmpty = item.sizeBytes === 0 && empty.has(uidOf(item));
  return bytes.get(uidOf(item)) ?? (isEmpty ? Buffer.alloc(0) : undefined);
}

/**
 * Which of the messages that did not come are there; null when none is missing or the server will not say. Where it gave a
 * notice for one, NOOP makes it look at its mailbox first (RFC 9051 section 7.5.1): SEARCH alone would still find that one.
 */
async function stillThere(
  session: ImapSession,
  missing: readonly Listed[],
  stoodIn: boolean,
): Promise<ReadonlySet<number> | null> {
  if (missing.length === 0) return null;
  if (stoodIn) {
    const info = { doing: 'look at the mailbox again', timeoutMs: session.deadlines.commandMs };
    await session.run(info, () => session.client.noop());
  }
  return await existingUids(session, missing.map(uidOf));
}

/** The last try for a message that is there and did not come. */
async function askAlone(
  fetching: Fetching,
  item: Listed,
  wanted: Wanted,
  outcome: Outcome,
  keep: (item: Listed, bytes: Buffer) => Promise<void>,
): Promise<void> {
  const uid = uidOf(item);
  const info = { doing: `fetch the message with UID ${uid}`, bytes: item.sizeBytes ?? BATCH_BYTES };
  const { bytes, empty, error, stoodIn } = await fetchRows(fetching.session, [uid], wanted, info);
  const alone = bytes.get(uid);
  if (alone !== undefined) return await keep(item, alone);
  // Its size was 0, or not stated. Where the size says that there is something, nothing is a failure.
  if (error === null && item.sizeBytes === null && empty.get(uid) === 'text') {
    return await keep(item, Buffer.alloc(0));
  }
  if (error !== null && !isAboutMessages(fetching.session, error)) throw error;
  fetching.refused.add(uid);
  if (fetching.run.isDoubtful() && error !== null) {
    const isAbout = (one: MailError) => isAboutMessages(fetching.session, one);
    if (!(await handsOutOthers(fetching.session, fetching.refused, isAbout))) throw error;
    fetching.run.acquit();
  }
  const given = stoodIn ? 'a notice that it has not got it' : 'nothing';
  const reason = error?.message ?? `The server lists the message and gives ${given} when it is asked for it`;
  outcome.byUid.set(uid, { kind: 'failed', item, error: reason });
}

/** A message from its first part: most are whole by then, long ones are fetched on until a part comes short. */
async function completed(fetching: Fetching, item: Listed, first: Buffer): Promise<Fetched> {
  const { maxSizeBytes } = fetching;
  const parts = [first];
  let total = first.length;
  // A part longer than asked for is the whole message, from a server that knows no parts.
  for (let part = first; part.length === PART_BYTES && total <= maxSizeBytes; ) {
    const next = await nextPart(fetching, item, total);
    if (next === 'end') break;
    if (!Buffer.isBuffer(next)) return next;
    part = next;
    parts.push(part);
    total += part.length;
  }
  if (total <= maxSizeBytes) {
    return { kind: 'raw', item, bytes: parts.length === 1 ? first : Buffer.concat(parts, total) };
  }
  return { kind: 'oversize', item, head: headOf(first), sizeBytes: Math.max(total, item.sizeBytes ?? 0) };
}

async function nextPart(
  { session }: Fetching,
  item: Listed,
  start: number,
): Promise<Buffer | 'end' | Fetched> {
  const uid = uidOf(item);
  const info = { doing: `fetch the message with UID ${uid} from byte ${start}`, bytes: PART_BYTES };
  const { bytes, error } = await fetchRows(session, [uid], sourceFrom(start), info);
  if (error !== null && !isAboutMessages(session, error)) throw error;
  if (error !== null) return { kind: 'failed', item, error: error.message };
  const part = bytes.get(uid);
  if (part !== undefined) return part;
  // Nothing follows parts that fill up exactly; but a part that went missing must not pass for the end.
  if (item.sizeBytes !== null && item.sizeBytes > 0 && start >= item.sizeBytes) return 'end';
  const existing = await existingUids(session, [uid]);
  if (existing !== null && !existing.has(uid)) return { kind: 'gone', item };
  return { kind: 'failed', item, error: `The server gave ${start} bytes of the message and then nothing` };
}

/** Up to the first empty line, that included. */
function headOf(message: Buffer): Buffer {
  const end = message.indexOf('\r\n\r\n');
  return message.subarray(0, Math.min(end === -1 ? message.length : end + 4, MAX_HEAD_BYTES));
}

/** A NO to a FETCH that does not speak of limits or outages: Exchange answers so for a single corrupt message. */
function isAboutMessages(session: ImapSession, error: MailError): boolean {
  return !session.hasEnded() && (error.code === 'protocol' || error.code === 'mailbox');
}

function infoOf(step: FetchStep): { doing: string; bytes: number } {
  const uids = uidSet(step.items.map(uidOf));
  return { doing: `fetch the messages with UIDs ${uids}`, bytes: Math.max(step.bytes, PART_BYTES / 8) };
}
