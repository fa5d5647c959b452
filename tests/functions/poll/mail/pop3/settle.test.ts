import { describe, expect, it } from 'vitest';
import type { ServerAction } from '../../../../../shared/account.ts';
import type { Action } from '../../../../../shared/ports/mail-source.ts';
import { cleanUpAfterEach, listed, listedSession, loggedIn, open, scripted } from './pop3-support.ts';

cleanUpAfterEach();

const QUIT = { expect: 'QUIT', send: ['+OK\r\n'] };

function action(uidl: string, what: ServerAction = { kind: 'delete' }, key = uidl): Action {
  return { key, source: { protocol: 'pop3', uidl }, action: what };
}

describe('settle()', () => {
  it('deletes by UIDL, whatever number the message has today, once QUIT is answered', async () => {
    const { source, server } = await listedSession(
      ['x', 'b', 'a'],
      [{ expect: 'DELE 3', send: ['+OK\r\n'] }, { expect: 'DELE 2', send: ['+OK\r\n'] }, QUIT],
    );
    expect(await source.settle([action('a'), action('b')])).toEqual([
      { key: 'a', result: 'done', reason: null },
      { key: 'b', result: 'done', reason: null },
    ]);
    expect(await source.close('commit')).toBe('ok');
    await server.finished();
  });

  it('lists first in a session that has not listed', async () => {
    const server = await scripted([
      ...loggedIn(),
      ...listed(['b', 'a'], null),
      { expect: 'DELE 2', send: ['+OK\r\n'] },
    ]);
    const source = await open(server);
    expect(await source.settle([action('a')])).toEqual([{ key: 'a', result: 'done', reason: null }]);
  });

  it('answers for each action: gone, refused by the server, impossible, nothing to do', async () => {
    const { source } = await listedSession(
      ['a', 'b'],
      [{ expect: 'DELE 1', send: ['-ERR [SYS/TEMP] disk trouble\r\n'] }],
    );
    const results = await source.settle([
      action('never there'),
      action('a'),
      action('b', { kind: 'mark-seen' }),
      action('b', { kind: 'flag', keyword: 'done' }),
      action('b', { kind: 'move', mailbox: 'Archive' }),
      action('b', { kind: 'none' }),
      {
        key: 'imap',
        source: { protocol: 'imap', mailbox: 'INBOX', uidValidity: '1', uid: 1 },
        action: { kind: 'delete' },
      },
    ]);
    expect(results.map(({ result }) => result)).toEqual([
      'gone',
      'retry',
      'refused',
      'refused',
      'refused',
      'done',
      'refused',
    ]);
    expect(results[1]?.reason).toContain('[SYS/TEMP] disk trouble');
    expect(results[4]?.reason).toContain('POP3 cannot move');
  });

  it('deletes none of several messages that share a UIDL', async () => {
    const { source, server } = await listedSession(
      ['twin', 'twin', 'b'],
      [{ expect: 'DELE 3', send: ['+OK\r\n'] }, QUIT],
    );
    const results = await source.settle([action('twin'), action('b')]);
    expect(results.map(({ result }) => result)).toEqual(['refused', 'done']);
    expect(results[0]?.reason).toContain('share this UIDL');
    await source.close('commit');
    await server.finished();
  });

  it('says DELE once for a message that two actions delete, also in two calls', async () => {
    const { source, server } = await listedSession(['a'], [{ expect: 'DELE 1', send: ['+OK\r\n'] }, QUIT]);
    const twice = [action('a', { kind: 'delete' }, 'k1'), action('a', { kind: 'delete' }, 'k2')];
    const done = [
      { key: 'k1', result: 'done', reason: null },
      { key: 'k2', result: 'done', reason: null },
    ];
    expect(await source.settle(twice)).toEqual(done);
    expect(await source.settle(twice)).toEqual(done);
    expect(await source.close('commit')).toBe('ok');
    await server.finished();
  });
});
