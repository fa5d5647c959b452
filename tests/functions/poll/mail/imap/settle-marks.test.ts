import { describe, expect, it } from 'vitest';
import type { ImapServer } from '../../../../../local/demo/imap-server.ts';
import type { ServerAction } from '../../../../../shared/account.ts';
import type { Action } from '../../../../../shared/ports/mail-source.ts';
import { answer, loggedIn, opened } from './imap-script.ts';
import { cleanUpAfterEach, item, mail, open, patience, scripted, served } from './imap-support.ts';

cleanUpAfterEach();

const SEEN: ServerAction = { kind: 'mark-seen' };

/** An action on a mail of the in-memory server; its key is the UID. */
function act(server: ImapServer, uid: number, action: ServerAction, mailbox = 'INBOX'): Action {
  const uidValidity = String(server.mailbox('ana', mailbox).uidValidity);
  return { key: String(uid), source: { protocol: 'imap', mailbox, uidValidity, uid }, action };
}

/** An action on a mail of a scripted server. */
function scriptedAct(uid: number, action: ServerAction): Action {
  return { key: String(uid), source: item(uid).source, action };
}

function flagsIn(server: ImapServer): string[][] {
  return server.mailbox('ana').mails.map(({ flags }) => [...flags]);
}

describe('marks', () => {
  it('are set with one STORE for all, and looked at', async () => {
    const server = await scripted([
      ...loggedIn(),
      ...opened(),
      answer('UID STORE 1:3 \\+FLAGS\\.SILENT \\(\\\\Seen\\)'),
      answer('UID FETCH 1:3 \\(UID FLAGS\\)', [
        '* 1 FETCH (UID 1 FLAGS (\\Seen))',
        '* 2 FETCH (UID 2 FLAGS (\\Answered))',
      ]),
    ]);
    const source = await open(server);

    const results = await source.settle([1, 2, 3].map((uid) => scriptedAct(uid, SEEN)));

    expect(results).toEqual([
      { key: '1', result: 'done', reason: null },
      { key: '2', result: 'retry', reason: expect.stringContaining('did not keep') },
      { key: '3', result: 'gone', reason: null },
    ]);
  });

  it('are \\Seen and keywords, beside what is there already', async () => {
    const server = await served({ mails: [mail(1), mail(2)] });
    server.mailbox('ana').setFlags(1, ['\\Flagged']);
    const source = await open(server);

    const results = await source.settle([
      act(server, 1, SEEN),
      act(server, 2, { kind: 'flag', keyword: '$Done' }),
      act(server, 1, { kind: 'flag', keyword: '\\Answered' }),
      act(server, 9, SEEN),
    ]);

    expect(results.map(({ result }) => result)).toEqual(['done', 'done', 'done', 'gone']);
    expect(flagsIn(server)).toEqual([['\\Flagged', '\\Seen', '\\Answered'], ['$Done']]);
  });

  it('that the mailbox does not keep are refused with those it keeps', async () => {
    const permanentFlags = ['\\Seen', '$work'];
    const server = await served({ mails: [mail(1)] }, { quirks: { permanentFlags } });
    const source = await open(server);

    const results = await source.settle([
      act(server, 1, { kind: 'flag', keyword: '$Done' }),
      act(server, 1, { kind: 'flag', keyword: '$Work' }),
    ]);

    expect(results).toEqual([
      { key: '1', result: 'refused', reason: expect.stringContaining('$Done; it keeps: \\Seen $work') },
      { key: '1', result: 'done', reason: null },
    ]);
    expect(flagsIn(server)).toEqual([['$work']]);
  });

  it('are set where the server says nothing of permanent flags', async () => {
    const server = await served({ mails: [mail(1)] }, { quirks: { permanentFlags: null } });
    const source = await open(server);

    expect(await source.settle([act(server, 1, { kind: 'flag', keyword: '$Done' })])).toMatchObject([
      { result: 'done' },
    ]);
  });

  it.each([
    ['NO [CANNOT] Not here', 'refused'],
    ['NO Not now', 'retry'],
    ['BAD What', 'retry'],
  ])('answered with %s come to %s, with the words', async (completion, result) => {
    const server = await scripted([...loggedIn(), ...opened(), answer('UID STORE .*', [], completion)]);
    const source = await open(server);

    const [first] = await source.settle([scriptedAct(1, SEEN)]);

    expect(first).toMatchObject({ result, reason: expect.stringMatching(/answered "(Not|What)/) });
  });

  it('in the middle of which the connection drops are tried again, and nothing is thrown', async () => {
    const server = await scripted([...loggedIn(), ...opened(), { expect: /UID STORE/ }, { end: 'fin' }]);
    const source = await open(server);

    const results = await source.settle([
      scriptedAct(1, SEEN),
      scriptedAct(2, { kind: 'flag', keyword: '$x' }),
    ]);

    expect(results.map(({ result }) => result)).toEqual(['retry', 'retry']);
    expect(results[0]?.reason).toContain('closed the connection');
  });

  it('that are throttled are tried again', async () => {
    const server = await scripted([
      ...loggedIn(),
      ...opened(),
      answer('UID STORE .*', [], 'BAD Request is throttled. Suggested Backoff Time: 99000 milliseconds'),
    ]);
    const source = await open(server);

    const results = await source.settle([scriptedAct(1, SEEN)]);

    expect(results).toMatchObject([{ result: 'retry', reason: expect.stringContaining('99000 ms') }]);
  });

  it('that are never answered are tried again after the deadline', async () => {
    const deadlines = patience();
    const hurry = () => {
      deadlines.commandMs = 200;
    };
    const server = await scripted([...loggedIn(), ...opened({ before: hurry }), { expect: /UID STORE/ }]);
    const source = await open(server, { deadlines });

    expect(await source.settle([scriptedAct(1, SEEN)])).toMatchObject([{ result: 'retry' }]);
  });
});
