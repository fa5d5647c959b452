import { type DeliveryRef, parseAccountId, parseEventId, parseWebhookId } from '../identity.ts';
import {
  ACCOUNTS_PER_JOB,
  DELIVERIES_PER_JOB,
  type DispatchJob,
  type Job,
  type PollJob,
  type PollReason,
} from '../jobs.ts';

/** 25 accounts with their slots take 3 KB; nothing that is a job is longer. */
const MAX_JOB_CHARS = 16_384;
/** As `Date.toISOString` writes it. */
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

/** What stands in a message of a queue: a job, or why it is none. */
type ParsedJob = { readonly ok: true; readonly job: Job } | { readonly ok: false; readonly reason: string };

/** The text of a message that carries the job. */
export function formatJob(job: Job): string {
  return JSON.stringify(job);
}

/**
 * Reads what `formatJob` wrote and nothing else: an unknown field, an id without the form of one, too many of them and
 * anything that is no JSON are refused. The reason quotes nothing of the message, so it may be logged.
 */
export function parseJob(text: string): ParsedJob {
  if (text.length > MAX_JOB_CHARS) return refused(`longer than ${MAX_JOB_CHARS} characters`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refused('not JSON');
  }
  if (!isRecord(value)) return refused('not an object');
  switch (value.kind) {
    case 'poll':
      return parsePoll(value);
    case 'dispatch':
      return parseDispatch(value);
    default:
      return refused('kind is neither "poll" nor "dispatch"');
  }
}

function parsePoll(value: Record<string, unknown>): ParsedJob {
  if (!hasOnly(value, ['kind', 'accounts'])) return refused('a field that no poll job has');
  const accounts = listOf(value.accounts, ACCOUNTS_PER_JOB, accountOf);
  if (accounts === null)
    return refused(`accounts is not a list of 1 to ${ACCOUNTS_PER_JOB} ids with reasons`);
  return { ok: true, job: { kind: 'poll', accounts } };
}

function parseDispatch(value: Record<string, unknown>): ParsedJob {
  if (!hasOnly(value, ['kind', 'deliveries'])) return refused('a field that no dispatch job has');
  const deliveries = listOf(value.deliveries, DELIVERIES_PER_JOB, deliveryOf);
  if (deliveries === null)
    return refused(`deliveries is not a list of 1 to ${DELIVERIES_PER_JOB} references`);
  return { ok: true, job: { kind: 'dispatch', deliveries } satisfies DispatchJob };
}

function accountOf(value: unknown): PollJob['accounts'][number] | null {
  if (!isRecord(value) || !hasOnly(value, ['id', 'reason'])) return null;
  const id = typeof value.id === 'string' ? parseAccountId(value.id) : null;
  const reason = reasonOf(value.reason);
  return id === null || reason === null ? null : { id, reason };
}

function reasonOf(value: unknown): PollReason | null {
  if (value === 'backlog' || value === 'manual') return value;
  if (!isRecord(value) || !hasOnly(value, ['slot'])) return null;
  const { slot } = value;
  return typeof slot === 'string' && TIME.test(slot) && Number.isFinite(Date.parse(slot)) ? { slot } : null;
}

function deliveryOf(value: unknown): DeliveryRef | null {
  if (!isRecord(value) || !hasOnly(value, ['eventId', 'webhookId'])) return null;
  const eventId = typeof value.eventId === 'string' ? parseEventId(value.eventId) : null;
  const webhookId = typeof value.webhookId === 'string' ? parseWebhookId(value.webhookId) : null;
  return eventId === null || webhookId === null ? null : { eventId, webhookId };
}

/** The items, each read; null when it is no list of 1 to `most` of them, or one of them cannot be read. */
function listOf<Item>(
  value: unknown,
  most: number,
  read: (item: unknown) => Item | null,
): readonly Item[] | null {
  if (!Array.isArray(value) || value.length === 0 || value.length > most) return null;
  const items: Item[] = [];
  for (const one of value) {
    const item = read(one);
    if (item === null) return null;
    items.push(item);
  }
  return items;
}

function hasOnly(value: Record<string, unknown>, keys: readonly string[]): boolean {
  return Object.keys(value).every((key) => keys.includes(key));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refused(reason: string): ParsedJob {
  return { ok: false, reason };
}
