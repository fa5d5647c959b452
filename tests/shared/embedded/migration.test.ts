import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { MINUTE } from '../../contract/fixtures.ts';
import { Scene } from '../../contract/scene.ts';
import { openInFolder, temporaryFolder } from './folders.ts';

/** Takes back what version 2 added. */
const TO_VERSION_1 = `
DROP INDEX gaps_opened;
DROP INDEX gaps_account;
ALTER TABLE gaps DROP COLUMN opened_at;
ALTER TABLE settlements DROP COLUMN reason;
DROP TABLE logins;
PRAGMA user_version = 1;
`;

it('a data folder of version 1 keeps its gaps and the logins of its accounts', async () => {
  const folder = temporaryFolder();
  const before = await openInFolder({ folder });
  const scene = new Scene(before);
  const account = await scene.addAccount();
  const moved = scene.account('ana', { host: 'new.example.com' });
  await before.store.updateAccount(account.id, { host: moved.host, loginId: moved.id });
  const fence = await scene.lease(account.id);
  const dueAt = new Date(scene.clock.nowMs + MINUTE);
  const opened = [{ item: scene.listed(), dueAt, error: 'no' }];
  await before.store.saveProgress(fence, scene.progress({ opened }), scene.now);
  await before.close();
  const database = new DatabaseSync(join(folder, 'mailhook.db'));
  database.exec(TO_VERSION_1);
  database.close();

  const after = await openInFolder({ folder });
  expect((await after.store.pollState(account.id, scene.now)).gaps).toMatchObject([{ dueAt, error: 'no' }]);
  for (const login of [account, moved]) {
    expect(await after.store.createAccount({ ...login, name: 'another' })).toBe('login-taken');
  }
  await after.close();
});
