import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Protocol } from '../../shared/identity.ts';
import type { Dovecot } from '../support/dovecot.ts';
import { type Product, startProduct } from '../support/product.ts';
import { type Measurement, measure } from './measure.ts';
import { startReceiverProcess } from './receiver-process.ts';
import type { Workload } from './workload.ts';

/** What the names of these measurements begin with. */
export const WHOLE_PATH = 'whole path';
/** Mailboxes that the whole path is measured with, one for each run: what was delivered once is not delivered again. */
const WHOLE_PATH_RUNS = 3;
const WARM_UPS = 1;

/** The user of a run. */
function wholePathUser(protocol: Protocol, run: number): string {
  return `${protocol}-${run}`;
}

/** All users that the server must have. */
export function wholePathUsers(): string[] {
  const runs = Array.from({ length: WHOLE_PATH_RUNS + WARM_UPS }, (_, run) => run);
  return (['imap', 'pop3'] as const).flatMap((protocol) => runs.map((run) => wholePathUser(protocol, run)));
}

/**
 * mailhook as a user runs it, in a process of its own: from the poll of a mailbox full of new mails to the last 2xx of a
 * receiver in another process, every mail durable in between.
 */
export async function measureWholePath(
  dovecot: Dovecot,
  workload: Workload,
  protocol: Protocol,
): Promise<Measurement> {
  const folder = mkdtempSync(join(tmpdir(), 'mailhook-bench-data-'));
  const receiver = await startReceiverProcess();
  const product = await startProduct(folder);
  let run = 0;
  try {
    await product.call('POST', '/webhooks', { url: receiver.url });
    return await measure(
      {
        name: `${WHOLE_PATH}: ${protocol.toUpperCase()} to 2xx`,
        mails: workload.mails.length,
        bytes: workload.bytes,
        doer: () => ({ pid: product.pid }),
        others: () => [{ group: dovecot.processGroup() }, { pid: receiver.pid }],
        prepare: async () => {
          const user = wholePathUser(protocol, run);
          await addAccount(product, dovecot, workload, protocol, user);
          await dovecot.deliverAll(user, workload.mails);
        },
        run: async () => {
          const received = receiver.received(workload.mails.length);
          await pollUntilAll(product, wholePathUser(protocol, run++), workload.mails.length);
          await received;
        },
      },
      WHOLE_PATH_RUNS,
      WARM_UPS,
    );
  } finally {
    await product.stop();
    await receiver.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function addAccount(
  product: Product,
  dovecot: Dovecot,
  workload: Workload,
  protocol: Protocol,
  user: string,
): Promise<void> {
  await product.call('POST', '/accounts', {
    name: user,
    protocol,
    host: dovecot.host,
    port: dovecot.ports[protocol],
    security: 'none',
    username: user,
    password: workload.password,
    intervalSeconds: 86_400,
  });
}

/** A poll that runs out of time leaves the rest to the next one. */
async function pollUntilAll(product: Product, name: string, count: number): Promise<void> {
  for (let committed = 0; committed < count; ) {
    const answer = await product.call<{
      accounts: { committed: number; error: { message: string } | null }[];
    }>('POST', '/poll', { accounts: [name] });
    const [report] = answer.accounts;
    if (!report || report.error !== null || report.committed === 0) {
      throw new Error(`Cannot poll "${name}": ${report?.error?.message ?? 'nothing was committed'}`);
    }
    committed += report.committed;
  }
}
