import type { Account } from '../../shared/account.ts';
import type { Envelope, EventDataByType, QuarantinedData } from '../../shared/event.ts';
import { type EventId, eventIdOf, operationalEventId } from '../../shared/identity.ts';
import type { Fence, Gap, NewEvent } from '../../shared/ports/store.ts';
import { enqueueDeliveries } from './commit.ts';
import { FencedError, type PollDeps, type PollSession } from './deps.ts';

type FactOf<Type extends 'account.auth_failed' | 'mailbox.reset' | 'flood.held'> = {
  readonly type: Type;
} & Omit<EventDataByType[Type], 'id' | 'account'>;

/** Facts about an account that its owner may want to hear: each is an event with deliveries of its own. */
type Fact =
  | FactOf<'account.auth_failed'>
  | (FactOf<'mailbox.reset'> & {
      /** What tells this reset from another of the mailbox; part of the event's id only. */
      readonly occasion: string;
    })
  | FactOf<'flood.held'>;

/** Commits a fact as an event. */
export type Raise = (fact: Fact) => Promise<void>;

/**
 * Raises the facts of one poll, each once. The id of a reset follows from its occasion, every other from the number of the
 * account's transitions, which the caller saves with `release`: a crash before that raises the same event again, under
 * the same id.
 */
export function createRaise(
  deps: PollDeps,
  fence: Fence,
  account: Account,
): { readonly raise: Raise; transitions(): number } {
  let { transitions } = account;
  const raised = new Set<string>();
  const raise: Raise = async (fact) => {
    // A poll of several sessions meets the same reset in each of them until all is fetched.
    const key = 'mailbox' in fact ? `${fact.type}/${fact.mailbox}` : fact.type;
    if (raised.has(key)) return;
    raised.add(key);
    if (fact.type === 'mailbox.reset') {
      const { occasion, ...rest } = fact;
      const id = operationalEventId(fact.type, `${account.id}/${fact.mailbox}/${occasion}`, 0);
      await commitFact(deps, fence, account, id, rest);
      return;
    }
    transitions++;
    await commitFact(deps, fence, account, operationalEventId(fact.type, account.id, transitions), fact);
  };
  return { raise, transitions: () => transitions };
}

async function commitFact(
  deps: PollDeps,
  fence: Fence,
  account: Account,
  id: EventId,
  { type, ...facts }: { readonly type: Fact['type'] },
): Promise<void> {
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
  const data: QuarantinedData = {
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
    linkToken: null,
    ...record,
    body,
    webhooks,
  };
  const answer = await deps.store.commit(fence, [event], deps.clock.now());
  if (answer === 'fenced') throw new FencedError('Another poll holds the lease');
  const committed: readonly EventId[] = answer.committed;
  await enqueueDeliveries(deps, committed, webhooks);
}
