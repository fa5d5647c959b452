import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import type { DeliveryRef, EventId } from '../../../shared/identity.ts';
import { MINUTE } from '../../contract/fixtures.ts';
import { Scene } from '../../contract/scene.ts';
import { expectConsistent } from './consistency.ts';
import { openInFolder, temporaryFolder } from './folders.ts';

/** Takes back what the versions after the first added. */
const TO_VERSION_1 = `
ALTER TABLE events DROP COLUMN link_token;
ALTER TABLE webhooks DROP COLUMN attachments;
ALTER TABLE deliveries DROP COLUMN attachments;
ALTER TABLE deliveries DROP COLUMN reduced;
DROP INDEX gaps_opened;
DROP INDEX gaps_account;
ALTER TABLE gaps DROP COLUMN opened_at;
ALTER TABLE settlements DROP COLUMN reason;
DROP TABLE logins;
PRAGMA user_version = 1;
`;

function takeBack(folder: string): void {
  const database = new DatabaseSync(join(folder, 'mailhook.db'));
  database.exec(TO_VERSION_1);
  database.close();
}

describe('a data folder of version 1', () => {
  it('keeps its gaps and the logins of its accounts', async () => {
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
    takeBack(folder);

    const after = await openInFolder({ folder });
    expect((await after.store.pollState(account.id, scene.now)).gaps).toMatchObject([{ dueAt, error: 'no' }]);
    for (const login of [account, moved]) {
      expect(await after.store.createAccount({ ...login, name: 'another' })).toBe('login-taken');
    }
    await after.close();
  });

  it('has webhooks that take links, and reduced bodies that stay so', async () => {
    const { folder, store, blobs, clock, close } = await openInFolder();
    const scene = new Scene({ store, blobs, clock });
    const account = await scene.addAccount();
    const { id: webhookId } = await scene.addWebhook();
    const [eventId] = await scene.commit(account, [webhookId]);
    const ref = { eventId: eventId as EventId, webhookId };
    const reduced = await blobs.put('body', Buffer.from('reduced'));
    await scene.end(ref, scene.retry(1_000, { nextBody: reduced }));
    await close();
    takeBack(folder);

    const after = await openInFolder({ folder });
    expect(await after.store.webhook(webhookId)).toMatchObject({ attachments: 'link' });
    expect(await after.store.linked(ref.eventId)).toMatchObject({ linkToken: null });
    const [claim] = await after.store.claim([ref], clock.advance(1_000), 60_000);
    expect(claim).toMatchObject({ body: reduced, frozen: true, reduced: true, attachments: 'link' });
    await after.close();
    expectConsistent(folder);
  });

  it('goes on with what was sent before, also where the webhook asks for something else by now', async () => {
    const { folder, store, blobs, clock, close } = await openInFolder();
    const scene = new Scene({ store, blobs, clock });
    const account = await scene.addAccount();
    const { id: webhookId } = await scene.addWebhook();
    const ids = await scene.commit(account, [webhookId], 2);
    const [tried, untried] = ids.map((eventId) => ({ eventId, webhookId }));
    await scene.end(tried as DeliveryRef, scene.retry(1_000));
    await close();
    takeBack(folder);

    const after = await openInFolder({ folder });
    await after.store.updateWebhook(webhookId, { attachments: 'inline' }, scene.now);
    const refs = [tried, untried] as DeliveryRef[];
    const claims = await after.store.claim(refs, clock.advance(1_000), 60_000);
    expect(claims.map(({ attachments }) => attachments)).toEqual(['link', 'inline']);
    await after.close();
  });
});
