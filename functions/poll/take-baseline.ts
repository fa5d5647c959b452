import type { StartPolicy } from '../../shared/account.ts';
import type { AccountId } from '../../shared/identity.ts';
import type { PollReport } from '../../shared/operations.ts';
import { baselineCursor } from './baseline.ts';
import { FencedError, type PollDeps } from './deps.ts';
import { waitingIn } from './gaps.ts';
import { accountError, emptyReport, failureReport, plainHealth } from './health.ts';
import { save } from './mailbox.ts';
import { createRaise } from './operational-event.ts';
import type { PollStop } from './poll.ts';
import { LEASE_MS, mailboxesOf, withSession } from './session.ts';

/** Takes a baseline in place of the account's cursors, whatever its state; see `Operations.baseline`. */
export async function takeBaseline(
  deps: PollDeps,
  id: AccountId,
  start: StartPolicy,
  stop: PollStop,
): Promise<PollReport | null> {
  const acquired = await deps.store.acquire(id, 'baseline', deps.clock.now(), LEASE_MS);
  if (acquired.kind !== 'acquired') {
    const account = acquired.kind === 'gone' ? null : await deps.store.account(id);
    return account && emptyReport(account.name, 'busy');
  }
  const { fence, account } = acquired;
  try {
    const state = await deps.store.pollState(id, deps.clock.now());
    let listed = 0;
    const goOn = () => !stop.stopping();
    const { raise } = createRaise(deps, fence, account);
    await withSession(
      deps,
      { fence, account, raise, goOn },
      // What is known from here on hangs on the UIDVALIDITY, which some servers write down only at a SELECT.
      { readOnly: false, signal: stop.signal },
      async (session) => {
        for (const mailbox of mailboxesOf(account)) {
          const listing = await session.source.list(mailbox, null);
          listed += listing.exists;
          const cursor = await baselineCursor(deps, session, listing, start);
          const waiting = await waitingIn(deps, id, state.gaps, mailbox);
          const closed = waiting.map(({ key }) => ({ key, as: 'void' as const }));
          await save(deps, session, { cursor, opened: [], rescheduled: [], closed });
        }
      },
    );
    const { transitions } = account;
    await deps.store.release(fence, plainHealth(deps.clock.now(), null, { held: 0, transitions }));
    return { ...emptyReport(account.name, 'ok'), listed };
  } catch (failure) {
    if (failure instanceof FencedError) return emptyReport(account.name, 'busy');
    const at = deps.clock.now();
    const error = accountError(failure, at);
    const { held, transitions } = account;
    await deps.store.release(fence, plainHealth(at, error, { held, transitions }));
    return failureReport(account, error);
  }
}
