import type { Account, AccountSettings } from '../../shared/account.ts';
import { type AccountId, accountIdOf } from '../../shared/identity.ts';
import type { Sealed } from '../../shared/ports/vault.ts';
import { accountRuleErrors } from './account-rules.ts';
import type { AccountUpdate } from './account-schema.ts';
import {
  beingAdded,
  checkMailHost,
  isBeingAdded,
  loginTaken,
  nameTaken,
  oauthLater,
  reportProblem,
} from './add-account.ts';
import type { AdminDeps } from './deps.ts';
import { quoted } from './lookup.ts';
import { invalidRequest, mailProblem, type Problem, problem } from './problem.ts';

/** What was there when the account was added has been delivered or counted as known: a change would do nothing. */
const FIXED_START =
  'cannot be changed: it says what is delivered of what was there when the account was added; ' +
  'to have that again, remove the account and add it anew';

/** Why a pause is one: the `reason` of an account that its owner paused. */
const PAUSED_BY_OWNER = 'paused by its owner';

/**
 * Changes an account. Whatever decides whether its login works is tried out first, unless `skipTest` is set; a new
 * password or login makes an account active again that could not log in.
 */
export async function updateAccount(
  deps: AdminDeps,
  account: Account,
  input: AccountUpdate,
): Promise<Account | Problem> {
  if (input.oauth != null) return oauthLater();
  if (input.start !== undefined && !isSame(input.start, account.start)) {
    return invalidRequest([{ path: 'start', message: FIXED_START }]);
  }
  const { skipTest, oauth: _oauth, password, ...settings } = input;
  const change = withoutUndefined(settings);
  const changed: Account = { ...account, ...change };
  const refused = checkChange(deps, account, changed);
  if (refused !== null) return refused;
  const credential =
    password === undefined
      ? {}
      : {
          credential: await deps.vault.seal('mailbox-credential', account.id, Buffer.from(password, 'utf8')),
        };
  const candidate: Account = { ...changed, ...credential, loginId: accountIdOf(changed) };
  const isTried = password !== undefined || LOGIN_KEYS.some((key) => !isSame(account[key], candidate[key]));
  if (isTried && !skipTest) {
    const test = await deps.operations.testAccount(candidate);
    if (!test.ok) return mailProblem(test.code, test.message);
  }
  return saveAccount(deps, account, {
    ...change,
    ...credential,
    ...(candidate.loginId === account.loginId ? {} : { loginId: candidate.loginId }),
    ...(isTried ? { clearBackoff: true } : {}),
    ...(isTried && couldNotPoll(account) ? ACTIVE : {}),
  });
}

/** The settings that decide whether a poll can log in and open its mailboxes. */
const LOGIN_KEYS = [
  'host',
  'port',
  'security',
  'username',
  'mailboxes',
  'caPem',
  'tlsAllowInvalidCertificate',
] as const;

const ACTIVE = { state: 'active', reason: null } as const;

function couldNotPoll(account: Account): boolean {
  return account.state === 'auth_failed' || account.state === 'error';
}

function checkChange(deps: AdminDeps, account: Account, changed: Account): Problem | null {
  if (isBeingAdded(deps, account)) return beingAdded(account);
  const errors = accountRuleErrors(changed);
  if (errors.length > 0) return invalidRequest(errors);
  return changed.host === account.host ? null : checkMailHost(deps, changed.host);
}

/**
 * Makes an account active and forgets the back-off. `held` stays: it is how many messages the next poll may let through
 * the flood guard, and that poll clears it.
 */
export async function resumeAccount(deps: AdminDeps, account: Account): Promise<Account | Problem> {
  if (isBeingAdded(deps, account)) return beingAdded(account);
  return saveAccount(deps, account, { ...ACTIVE, clearBackoff: true });
}

/** Keeps an account from being polled until it is resumed. */
export async function pauseAccount(deps: AdminDeps, account: Account): Promise<Account | Problem> {
  if (isBeingAdded(deps, account)) return beingAdded(account);
  return saveAccount(deps, account, { state: 'paused', reason: PAUSED_BY_OWNER });
}

/** Takes what is in the mailboxes now as known, without delivering it; that ends a halt of the flood guard too. */
export async function rebaselineAccount(deps: AdminDeps, account: Account): Promise<Account | Problem> {
  if (isBeingAdded(deps, account)) return beingAdded(account);
  const report = await deps.operations.baseline(account.id, { kind: 'now' });
  if (report.outcome !== 'ok') return reportProblem(report);
  const isHalted = couldNotPoll(account) || (account.held > 0 && account.reason !== PAUSED_BY_OWNER);
  return saveAccount(deps, account, { held: 0, clearBackoff: true, ...(isHalted ? ACTIVE : {}) });
}

type Change = Partial<AccountSettings> & {
  readonly loginId?: AccountId;
  readonly credential?: Sealed;
  readonly state?: Account['state'];
  readonly reason?: string | null;
  readonly held?: number;
  readonly clearBackoff?: boolean;
};

async function saveAccount(deps: AdminDeps, account: Account, change: Change): Promise<Account | Problem> {
  const saved = await deps.store.updateAccount(account.id, change);
  if (saved === 'gone')
    return problem(404, 'account-not-found', `There is no account ${quoted(account.name)}`);
  if (saved === 'name-taken') return nameTaken(change.name ?? account.name);
  if (saved === 'login-taken') return loginTaken({ ...account, ...change });
  return saved;
}

function isSame(before: unknown, after: unknown): boolean {
  return JSON.stringify(before) === JSON.stringify(after);
}

type Defined<Fields> = { [Key in keyof Fields]?: Exclude<Fields[Key], undefined> };

/** The fields that were given: an absent one leaves the account as it is. */
function withoutUndefined<Fields extends object>(fields: Fields): Defined<Fields> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as Defined<Fields>;
}
