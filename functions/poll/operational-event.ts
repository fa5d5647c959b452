import type { Account } from '../../shared/account.ts';
import type { Envelope } from '../../shared/event.ts';
import { type EventId, eventIdOf, operationalEventId } from '../../shared/identity.ts';
import type { Fence, Gap, NewEvent } from '../../shared/ports/store.ts';
import { enqueueDeliveries } from './commit.ts';
import { FencedError, type PollDeps, type PollSession } from './deps.ts';

/** Facts about an account that its owner may want to hear: each is an event with deliveries of its own. */
export type Fact =
  | { readonly type: 'account.auth_failed'; readonly reason: string }
  | { readonly type: 'mailbox.reset'; readonly mailbox: string; readonly unknown: number }
  | { readonly type: 'flood.held'; readonly held: number; readonly reason: string };

/** Commits a fact as an event. */
export type Raise = (fact: Fact) => Promise<void>;

/**
 * Raises the facts of one poll. An event's id follows from the number of the account's transitions, which the caller saves
 * with `release`: a crash before that raises the same event again, under the same id.
 */
export function createRaise(
  deps: PollDeps,
  fence: Fence,
  account: Account,
): { readonly raise: Raise; transitions(): number } {
  let { transitions } = account;
  const raise: Raise = async (fact) => {
    transitions++;
    await commitFact(deps, fence, account, fact, transitions);
  };
  return { raise, transitions: () => transitions };
}

async function commitFact(
  deps: PollDeps,
  fence: Fence,
  account: Account,
  { type, ...facts }: Fact,
  transition: number,
): Promise<void> {
  const subjectId = 'mailbox' in facts ? `${account.id}/${facts.mailbox}` : account.id;
  const id = operationalEventId(type, subjectId, transition);
  const now = deps.clock.now().toISOString();
  const data = { id, account: { id: account.id, name: account.name }, ...facts };
  await commitWithBody(
    deps,
    fence,
    { type, timestamp: now, data },
    { id, type, accountId: account.id, receivedAt: now },
  );
}

/** Commits what is known of a message that its server would not hand out. */
export async function commitQuarantined(
  deps: PollDeps,
  session: PollSession,
  gap: Gap,
  error: string,
): Promise<void> {
  const { account, fence } = session;
  const { source, backfill, sizeBytes, internalDate } = gap.item;
  const id = eventIdOf(account.loginId, source);
  const receivedAt = internalDate ?? deps.clock.now().toISOString();
  const type = 'message.quarantined';
  const data = {
    id,
    account: { id: account.id, name: account.name },
    source,
    backfill,
    receivedAt,
    size: sizeBytes,
    parseError: `The server did not hand out the message in ${gap.attempts + 2} tries: ${error}`,
  };
  const record = { id, type, accountId: account.id, receivedAt, source, backfill, sizeBytes: sizeBytes ?? 0 };
  await commitWithBody(deps, fence, { type, timestamp: receivedAt, data }, record);
}

async function commitWithBody(
  deps: PollDeps,
  fence: Fence,
  envelope: Envelope<unknown>,
  record: Pick<NewEvent, 'id' | 'type' | 'accountId' | 'receivedAt'> & Partial<NewEvent>,
): Promise<void> {
  const webhooks = await deps.store.subscribers(record.accountId, record.type);
  const body = await deps.blobs.put('event', Buffer.from(JSON.stringify(envelope)));
  const event: NewEvent = {
    source: null,
    backfill: false,
    messageId: null,
    from: null,
    subject: null,
    sizeBytes: 0,
    digest: null,
    raw: null,
    ...record,
    body,
    webhooks,
  };
  const answer = await deps.store.commit(fence, [event], deps.clock.now());
  if (answer === 'fenced') throw new FencedError('Another poll holds the lease');
  const committed: readonly EventId[] = answer.committed;
  await enqueueDeliveries(deps, committed, webhooks);
}
