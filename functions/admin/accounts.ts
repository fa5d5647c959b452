import type { z } from 'zod';
import type { Account } from '../../shared/account.ts';
import {
  accountCreateSchema,
  accountDetailSchema,
  accountSchema,
  accountTestSchema,
  accountUpdateSchema,
} from './account-schema.ts';
import { addAccount } from './add-account.ts';
import { listSchema, pageQuerySchema, removedSchema } from './common-schema.ts';
import type { AdminDeps } from './deps.ts';
import { findAccount } from './lookup.ts';
import { isProblem, mailProblem, type Problem, problem } from './problem.ts';
import { accountResource } from './resources.ts';
import { defineRoute, type Route } from './route.ts';
import { pauseAccount, rebaselineAccount, resumeAccount, updateAccount } from './update-account.ts';
import { NOTHING_WAITS, waitingMessages } from './waiting-messages.ts';

const PATH = '/v1/accounts';
const ONE = `${PATH}/{account}`;
const answer = { name: 'Account', schema: accountDetailSchema };

/** The routes under `/v1/accounts`. */
export const accountRoutes: readonly Route[] = [
  defineRoute(
    {
      method: 'post',
      path: PATH,
      summary: 'Adds an account: logs in and takes the baseline before it answers',
      body: { name: 'AccountCreate', schema: accountCreateSchema },
      status: 201,
      answer,
      refusals: [400, 409, 422, 501],
    },
    async (deps, { body }) => {
      const account = await addAccount(deps, body);
      return isProblem(account) ? account : { ...accountResource(account), waiting: NOTHING_WAITS };
    },
  ),
  defineRoute(
    {
      method: 'get',
      path: PATH,
      summary: 'Lists the accounts',
      query: pageQuerySchema,
      answer: { name: 'AccountList', schema: listSchema(accountSchema) },
      refusals: [400],
    },
    async ({ store }, { query }) => {
      const page = await store.accounts({ after: query.cursor ?? null, limit: query.limit });
      return { data: page.data.map(accountResource), next: page.next };
    },
  ),
  defineRoute(
    { method: 'get', path: ONE, summary: 'Shows an account', answer, refusals: [404] },
    async (deps, { id }) => asDetail(deps, await findAccount(deps, id)),
  ),
  defineRoute(
    {
      method: 'patch',
      path: ONE,
      summary: 'Changes an account; what decides about its login is tried out first',
      body: { name: 'AccountUpdate', schema: accountUpdateSchema },
      answer,
      refusals: [400, 404, 409, 422, 501],
    },
    (deps, { id, body }) => change(deps, id, (account) => updateAccount(deps, account, body)),
  ),
  defineRoute(
    {
      method: 'delete',
      path: ONE,
      summary: 'Removes an account with its messages and deliveries; touches nothing on its server',
      answer: { name: 'Removed', schema: removedSchema },
      refusals: [404],
    },
    async (deps, { id }) => {
      const account = await findAccount(deps, id);
      if (isProblem(account)) return account;
      const removed = await deps.store.removeAccount(account.id);
      if (removed === 'gone') return problem(404, 'account-not-found', 'The account was removed already');
      return { id: account.id, name: account.name, removed: true as const };
    },
  ),
  defineRoute(
    {
      method: 'post',
      path: `${ONE}/test`,
      summary: 'Logs in and opens every mailbox',
      answer: { name: 'AccountTest', schema: accountTestSchema },
      refusals: [404, 422],
    },
    async (deps, { id }) => {
      const account = await findAccount(deps, id);
      if (isProblem(account)) return account;
      const test = await deps.operations.testAccount(account);
      if (!test.ok) return mailProblem(test.code, test.message);
      return {
        ok: true as const,
        mailboxes: test.mailboxes.map(({ name, messages }) => ({ name, messages })),
      };
    },
  ),
  defineRoute(
    {
      method: 'post',
      path: `${ONE}/pause`,
      summary: 'Stops polling an account',
      answer,
      refusals: [404, 409],
    },
    (deps, { id }) => change(deps, id, (account) => pauseAccount(deps, account)),
  ),
  defineRoute(
    {
      method: 'post',
      path: `${ONE}/resume`,
      summary: 'Polls an account again, without a back-off and with what the flood guard held',
      answer,
      refusals: [404, 409],
    },
    (deps, { id }) => change(deps, id, (account) => resumeAccount(deps, account)),
  ),
  defineRoute(
    {
      method: 'post',
      path: `${ONE}/rebaseline`,
      summary: 'Takes what is in the mailboxes now as known, without delivering it',
      answer,
      refusals: [404, 409, 422],
    },
    (deps, { id }) => change(deps, id, (account) => rebaselineAccount(deps, account)),
  ),
];

async function change(
  deps: AdminDeps,
  reference: string,
  apply: (account: Account) => Promise<Account | Problem>,
): Promise<AccountDetail | Problem> {
  const account = await findAccount(deps, reference);
  return isProblem(account) ? account : asDetail(deps, await apply(account));
}

type AccountDetail = z.input<typeof accountDetailSchema>;

async function asDetail(deps: AdminDeps, account: Account | Problem): Promise<AccountDetail | Problem> {
  if (isProblem(account)) return account;
  return { ...accountResource(account), waiting: await waitingMessages(deps, account.id) };
}
