import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import type { EventId } from '../../../shared/identity.ts';
import { Scene } from '../../contract/scene.ts';
import { expectConsistent } from './consistency.ts';
import { openInFolder } from './folders.ts';

function changeDatabase(folder: string, sql: string): void {
  const database = new DatabaseSync(join(folder, 'mailhook.db'));
  database.exec(sql);
  database.close();
}

describe('openEmbedded()', () => {
  it('brings the data of the first version to this one: webhooks take links, reduced bodies stay so', async () => {
    const { folder, store, blobs, clock, close } = await openInFolder();
    const scene = new Scene({ store, blobs, clock });
    const account = await scene.addAccount();
    const { id: webhookId } = await scene.addWebhook();
    const [eventId] = await scene.commit(account, [webhookId]);
    const ref = { eventId: eventId as EventId, webhookId };
    const reduced = await blobs.put('body', Buffer.from('reduced'));
    await scene.end(ref, scene.retry(1_000, { nextBody: reduced }));
    await close();
    changeDatabase(
      folder,
      `ALTER TABLE events DROP COLUMN link_token; ALTER TABLE webhooks DROP COLUMN attachments;
       ALTER TABLE deliveries DROP COLUMN attachments; ALTER TABLE deliveries DROP COLUMN reduced;
       PRAGMA user_version = 1`,
    );
    const after = await openInFolder({ folder });
    expect(await after.store.webhook(webhookId)).toMatchObject({ attachments: 'link' });
    expect(await after.store.linked(ref.eventId)).toMatchObject({ linkToken: null });
    const [claim] = await after.store.claim([ref], clock.advance(1_000), 60_000);
    expect(claim).toMatchObject({ body: reduced, frozen: true, reduced: true, attachments: 'link' });
    await after.close();
    expectConsistent(folder);
  });
});
