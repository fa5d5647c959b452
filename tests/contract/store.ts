import { afterEach, beforeEach, describe } from 'vitest';
import type { OpenedStore } from './fixtures.ts';
import { Scene, type StoreTests } from './scene.ts';
import { accountTests } from './store-accounts.ts';
import { commitTests } from './store-commit.ts';
import { dispatchTests } from './store-dispatch.ts';
import { fileTests } from './store-files.ts';
import { gateTests } from './store-gates.ts';
import { leaseTests } from './store-leases.ts';
import { listTests } from './store-lists.ts';
import { progressTests } from './store-progress.ts';
import { replayTests } from './store-replay.ts';
import { scheduleTests } from './store-schedule.ts';
import { settlementTests } from './store-settlements.ts';
import { webhookTests } from './store-webhooks.ts';
import { workTests } from './store-work.ts';

const PARTS: Readonly<Record<string, StoreTests>> = {
  schedule: scheduleTests,
  work: workTests,
  leases: leaseTests,
  commit: commitTests,
  progress: progressTests,
  dispatch: dispatchTests,
  gates: gateTests,
  settlements: settlementTests,
  replay: replayTests,
  accounts: accountTests,
  webhooks: webhookTests,
  lists: listTests,
  files: fileTests,
};

/** What every adapter of `Store` keeps. `open` gives an empty one each time. */
export function storeContract(name: string, open: () => Promise<OpenedStore>): void {
  describe(`store contract: ${name}`, () => {
    let opened: OpenedStore;
    let scene: Scene;

    beforeEach(async () => {
      opened = await open();
      scene = new Scene(opened);
    });

    afterEach(() => opened.close());

    for (const [part, tests] of Object.entries(PARTS)) describe(part, () => tests(() => scene));
  });
}
