import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answerInvocation, pollInTime } from '../../../functions/poll/invoked.ts';
import type { PollStop } from '../../../functions/poll/poll.ts';
import { type ImapServer, startImapServer } from '../../../local/demo/imap-server.ts';
import type { Account } from '../../../shared/account.ts';
import type { PollInvocation } from '../../../shared/aws/invocation.ts';
import type { AccountId } from '../../../shared/identity.ts';
import { openPollWorld, PASSWORD, type PollWorld, smallMail } from '../../support/poll-world.ts';

const GO: PollStop = { signal: new AbortController().signal, stopping: () => false };
const GONE = `acc_${'z'.repeat(16)}` as AccountId;

let server: ImapServer;
let world: PollWorld;
let account: Account;

beforeEach(async () => {
  server = await startImapServer({ users: { ana: { password: PASSWORD, mails: [smallMail('old')] } } });
  world = await openPollWorld();
  account = await world.add({ protocol: 'imap', port: server.port, username: 'ana' });
});
afterEach(async () => {
  await world[Symbol.asyncDispose]();
  await server.close();
});

/** Asks as the admin function does: all of it goes through JSON. */
const ask = async (invocation: PollInvocation, stop = GO) => {
  const sent = JSON.parse(JSON.stringify(invocation)) as PollInvocation;
  return JSON.parse(JSON.stringify(await answerInvocation(world.deps, sent, stop))) as unknown;
};

describe('answerInvocation()', () => {
  it('polls the accounts that are named, and reports on each that is there', async () => {
    server.mailbox('ana').add(smallMail('new'));
    expect(await ask({ operation: 'poll', ids: [account.id, GONE] })).toEqual([
      { name: 'ana', outcome: 'ok', listed: 1, new: 1, committed: 1, settled: 0, error: null },
    ]);
  });

  it('tests an account that is not stored', async () => {
    const other = { ...account, name: 'other' };
    expect(await ask({ operation: 'testAccount', account: other })).toEqual({
      ok: true,
      mailboxes: [{ name: 'INBOX', messages: 1 }],
    });
  });

  it('takes a new baseline, and says so when the account is gone', async () => {
    server.mailbox('ana').add(smallMail('new'));
    const start = { kind: 'now' } as const;
    expect(await ask({ operation: 'baseline', id: account.id, start })).toMatchObject({
      outcome: 'ok',
      listed: 2,
    });
    expect(await ask({ operation: 'poll', ids: [account.id] })).toMatchObject([{ committed: 0 }]);
    expect(await ask({ operation: 'baseline', id: GONE, start })).toMatchObject({ outcome: 'error' });
  });

  it('refuses an operation that there is not', async () => {
    const unknown = { operation: 'openVault' } as unknown as PollInvocation;
    await expect(ask(unknown)).rejects.toThrow('There is no operation {"operation":"openVault"}');
  });
});

describe('pollInTime()', () => {
  const job = () => ({ kind: 'poll' as const, accounts: [{ id: account.id, reason: 'manual' as const }] });

  it('polls the job', async () => {
    server.mailbox('ana').add(smallMail('new'));
    await pollInTime(world.deps, job(), GO);
    expect(await world.messages()).toHaveLength(1);
  });

  it('fails when the time ran out, so that the job comes again, with all saved that was done', async () => {
    server.mailbox('ana').add(smallMail('new'));
    let asked = 0;
    const late = { ...GO, stopping: () => asked++ > 0 };
    await expect(pollInTime(world.deps, job(), late)).rejects.toThrow('The time of the invocation ran out');
    await pollInTime(world.deps, job(), GO);
    expect(await world.messages()).toHaveLength(1);
  });
});
