import type { Account, AccountSettings, Security } from '../../shared/account.ts';
import { EgressError } from '../../shared/egress/egress.ts';
import { accountIdOf, type Protocol } from '../../shared/identity.ts';
import type { PollReport } from '../../shared/operations.ts';
import type { Page } from '../../shared/ports/lists.ts';
import { accountRuleErrors } from './account-rules.ts';
import type { AccountCreate } from './account-schema.ts';
import type { AdminDeps } from './deps.ts';
import { quoted } from './lookup.ts';
import { invalidRequest, isProblem, mailProblem, type Problem, problem } from './problem.ts';

/** The `reason` of an account whose first baseline is not taken yet. */
const ADDING = 'adding';
/** After that long nobody is adding it any more: what began it has crashed. */
const ADDING_TIMEOUT_MS = 15 * 60_000;

/**
 * Adds an account: writes it paused as `adding`, takes the baseline, makes it active. When the baseline fails, the
 * account is removed again and the reason is the answer; a crash in between leaves an account that polls nothing.
 */
export async function addAccount(deps: AdminDeps, input: AccountCreate): Promise<Account | Problem> {
  const account = await newAccount(deps, input);
  if (isProblem(account)) return account;
  const refused = await createAccount(deps, account);
  if (refused !== null) return refused;
  if (input.skipTest) return account;
  return (await takeFirstBaseline(deps, account)) ?? (await activate(deps, account));
}

async function newAccount(deps: AdminDeps, input: AccountCreate): Promise<Account | Problem> {
  if (input.oauth != null) return oauthLater();
  if (input.password === undefined) return invalidRequest([{ path: 'password', message: 'is missing' }]);
  const { skipTest, oauth: _oauth, password, ...given } = input;
  const settings: AccountSettings = {
    ...given,
    port: given.port ?? usualPort(given.protocol, given.security),
    mailboxes: given.mailboxes ?? (given.protocol === 'imap' ? ['INBOX'] : []),
  };
  const errors = accountRuleErrors(settings);
  if (errors.length > 0) return invalidRequest(errors);
  const blocked = checkMailHost(deps, settings.host);
  if (blocked !== null) return blocked;
  const id = accountIdOf(settings);
  return {
    ...settings,
    id,
    loginId: id,
    auth: 'password',
    credential: await deps.vault.seal('mailbox-credential', id, Buffer.from(password, 'utf8')),
    state: skipTest ? 'active' : 'paused',
    reason: skipTest ? null : ADDING,
    held: 0,
    notBefore: null,
    consecutiveFailures: 0,
    transitions: 0,
    lastPollAt: null,
    lastSuccessAt: null,
    lastError: null,
    createdAt: deps.clock.now().toISOString(),
  };
}

/** The 501 for everything that asks for OAuth. */
export function oauthLater(): Problem {
  return problem(
    501,
    'not-available-yet',
    'Login by OAuth is not available yet: use a password or an app password',
  );
}

/** A 422 when the egress policy forbids the host; null when it does not. */
export function checkMailHost(deps: AdminDeps, host: string): Problem | null {
  try {
    deps.egress.checkHost(host);
    return null;
  } catch (error) {
    if (error instanceof EgressError) return problem(422, 'egress', error.message);
    throw error;
  }
}

function usualPort(protocol: Protocol, security: Security): number {
  if (protocol === 'imap') return security === 'tls' ? 993 : 143;
  return security === 'tls' ? 995 : 110;
}

/** Writes the new row; one that a crash left behind, with the same login or the same name, makes way first. */
async function createAccount(deps: AdminDeps, account: Account): Promise<Problem | null> {
  const first = await deps.store.createAccount(account);
  if (first === 'ok') return null;
  const sameLogin = await deps.store.account(account.id);
  const rivals = [sameLogin, await deps.store.accountByName(account.name)];
  for (const rival of rivals) {
    if (rival !== null && isAbandoned(deps, rival)) await deps.store.removeAccount(rival.id);
  }
  const second = await deps.store.createAccount(account);
  if (second === 'ok') return null;
  const busy = rivals.find((rival) => rival !== null && isBeingAdded(deps, rival));
  if (busy != null) return beingAdded(busy);
  return second === 'name-taken' ? nameTaken(account.name) : loginTaken(account, sameLogin);
}

/** The 409 for an account that is being added, or that an add left behind which did not end. */
export function beingAdded(account: Account): Problem {
  const advice = 'wait for that to end, or remove it if nobody does';
  return problem(409, 'account-adding', `The account ${quoted(account.name)} is being added: ${advice}`);
}

/** Whether it is being added right now, so that nothing else may change it. */
export function isBeingAdded(deps: AdminDeps, account: Account): boolean {
  return account.reason === ADDING && account.state === 'paused' && !isAbandoned(deps, account);
}

/**
 * Removes accounts that were being added when the process ended: nobody adds them any more. For a process that is alone
 * with its store, at its start.
 */
export async function removeUnfinishedAdds(store: AdminDeps['store']): Promise<void> {
  let after: string | null = null;
  do {
    const page: Page<Account> = await store.accounts({ after, limit: 100 });
    for (const { id, state, reason } of page.data) {
      if (state === 'paused' && reason === ADDING) await store.removeAccount(id);
    }
    after = page.next;
  } while (after !== null);
}

function isAbandoned(deps: AdminDeps, account: Account): boolean {
  const isAdding = account.reason === ADDING && account.state === 'paused';
  return isAdding && deps.clock.now().getTime() - Date.parse(account.createdAt) > ADDING_TIMEOUT_MS;
}

/** The 409 for an account's name that is in use. */
export function nameTaken(name: string): Problem {
  return problem(409, 'name-taken', `The name ${quoted(name)} is taken: choose another one`);
}

/** The 409 for a login that is an account already, with its name when `holder` still has that login. */
export function loginTaken(
  login: Pick<Account, 'host' | 'port' | 'username'>,
  holder: Account | null = null,
): Problem {
  const place = placeOf(login);
  const which =
    holder !== null && placeOf(holder) === place
      ? `is the account ${quoted(holder.name)} already: update that one`
      : 'is that of an account, or was once: update that one, or remove it';
  return problem(409, 'login-taken', `The login ${quoted(place)} ${which}`);
}

function placeOf({ username, host, port }: Pick<Account, 'host' | 'port' | 'username'>): string {
  return `${username} at ${host}:${port}`;
}

async function takeFirstBaseline(deps: AdminDeps, account: Account): Promise<Problem | null> {
  let succeeded = false;
  try {
    const report = await deps.operations.baseline(account.id, account.start);
    succeeded = report.outcome === 'ok';
    if (succeeded) return null;
    return reportProblem(report);
  } finally {
    if (!succeeded) await deps.store.removeAccount(account.id);
  }
}

/** The 422 for a baseline that was not taken. */
export function reportProblem(report: PollReport): Problem {
  if (report.error !== null) return mailProblem(report.error.code, report.error.message);
  if (report.outcome === 'busy')
    return mailProblem('busy', 'The account is being polled right now: try again');
  const code = report.outcome === 'auth_failed' ? 'auth' : 'internal';
  return mailProblem(code, `The baseline was not taken: the poll ended as "${report.outcome}"`);
}

async function activate(deps: AdminDeps, account: Account): Promise<Account | Problem> {
  const active = await deps.store.updateAccount(account.id, { state: 'active', reason: null });
  if (typeof active !== 'string') return active;
  return problem(
    404,
    'account-not-found',
    `The account ${quoted(account.name)} was removed while it was added`,
  );
}
