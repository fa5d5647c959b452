import { pollAccount } from '../../functions/poll/poll.ts';
import { entryOf } from '../support/dynamo/capacity.ts';
import { itemSize } from '../support/dynamo/item-size.ts';
import { INDEXES, type MemoryTable } from '../support/dynamo/memory-table.ts';
import { Cloud } from './cloud.ts';
import { killWebhook } from './dead-webhook.ts';
import { type Population, populate, type Wanted } from './population.ts';
import { between, difference, divided, sumOf, totalOf, type Usage, type UsageBySpender } from './usage.ts';

const GO = { signal: new AbortController().signal, stopping: () => false };

/** A cycle of all accounts, at the interval of five minutes that they have. */
const CYCLE_MINUTES = 5;
/** As long as an opened key is kept; with very many accounts chance evens that out in one cycle. */
const CYCLES = 3;
const FEW_ACCOUNTS = 1_000;
/** What is done once for what was just added is done by then: see `INDEX_LAG_MS` of the store. */
const SETTLED_MINUTES = 30;
/** Ten attempts take up to 92 hours with their jitter. */
const EXHAUSTION_MINUTES = 92 * 60;
/** From its first release on a webhook gets 2, 4, … until it has 1,024 a minute. */
const RECOVERY_MINUTES = 12;
/** Long enough for mails that came at its beginning to be fetched, delivered and settled. */
const MAIL_MINUTES = 15;

/** What a stack does when no mail comes. */
export interface IdleStack {
  readonly accounts: number;
  readonly webhooks: number;
  /** Deliveries that wait behind the gate of one dead webhook. */
  readonly waiting: number;
  /** One run of plan. */
  readonly tick: Usage;
  /** One poll, with its part of what its invocation costs. */
  readonly poll: Usage;
}

/** A cloud with its population, warm: every account was polled. */
export async function warmCloud(wanted: Wanted): Promise<{ cloud: Cloud; population: Population }> {
  const cloud = new Cloud();
  const population = await populate(cloud, wanted);
  await cloud.run(CYCLE_MINUTES + 1);
  return { cloud, population };
}

/** What is used in so many minutes. */
async function usedIn(cloud: Cloud, minutes: number): Promise<UsageBySpender> {
  const before = cloud.meter.read();
  await cloud.run(minutes);
  return between(before, cloud.meter.read());
}

/** An idle stack, and where it has 1,000 webhooks, one of them dead. */
export async function measureIdle(wanted: Wanted, waiting: number): Promise<IdleStack> {
  const { cloud, population } = await warmCloud(wanted);
  if (waiting > 0) await killWebhook(cloud, population, waiting);
  const cycles = wanted.accounts > FEW_ACCOUNTS ? 1 : CYCLES;
  const used = await usedIn(cloud, cycles * CYCLE_MINUTES);
  return {
    ...{ accounts: wanted.accounts, webhooks: wanted.webhooks, waiting },
    tick: divided(used.plan, cycles * CYCLE_MINUTES),
    poll: divided(used.poll, cycles * wanted.accounts),
  };
}

/** What one mail adds. */
export interface MailUsage {
  readonly used: Usage;
  /** What stays in the table of it, with its entries in the indexes. */
  readonly storedBytes: number;
  /** Units of writes of the work index, nearly all of them in one partition. */
  readonly workIndexUnits: number;
  /** Of invocations of the dispatch function. */
  readonly dispatchSeconds: number;
}

/** Mails, so many for each account at once, measured against the same time without any. */
export async function measureMail(wanted: Wanted, mailsPerAccount: number): Promise<MailUsage> {
  const { cloud, population } = await warmCloud(wanted);
  await cloud.run(SETTLED_MINUTES);
  const idle = await usedIn(cloud, MAIL_MINUTES);
  for (const { username } of population.accounts) cloud.mail.deliver(username, mailsPerAccount);
  const workIndexUnits = cloud.workIndexUnits;
  const busy = await usedIn(cloud, MAIL_MINUTES);
  const mails = wanted.accounts * mailsPerAccount;
  if (cloud.receivers.taken !== mails) throw new Error(`${cloud.receivers.taken} of ${mails} mails arrived`);
  return {
    // When a process has its key opened anew has nothing to do with mail.
    used: { ...divided(difference(totalOf(busy), totalOf(idle)), mails), kmsRequests: 0 },
    storedBytes: bytesOfMails(cloud.dynamo.table) / mails,
    workIndexUnits: (cloud.workIndexUnits - workIndexUnits) / mails,
    dispatchSeconds: busy.dispatch.seconds / mails,
  };
}

/** AWS counts so much more for each item and each entry of an index that it stores. */
const STORED_OVERHEAD_BYTES = 100;

function bytesOfMails(table: MemoryTable): number {
  let bytes = 0;
  for (const item of table.all()) {
    if (!/^[EK]#/.test(item.pk?.S ?? '')) continue;
    const kept = [item, ...INDEXES.map((index) => entryOf(index, item))].filter((one) => one !== null);
    for (const one of kept) bytes += itemSize(one) + STORED_OVERHEAD_BYTES;
  }
  return bytes;
}

/** What a delivery costs more whose first attempt failed, and the second was taken. */
export async function measureRetry(wanted: Wanted, plain: MailUsage): Promise<Usage> {
  const { cloud, population } = await warmCloud(wanted);
  await cloud.run(SETTLED_MINUTES);
  const idle = await usedIn(cloud, MAIL_MINUTES);
  for (const { username } of population.accounts) cloud.mail.deliver(username);
  for (const { url } of population.webhooks) cloud.receivers.behave(url, 'fails-once');
  const busy = await usedIn(cloud, MAIL_MINUTES);
  const each = divided(difference(totalOf(busy), totalOf(idle)), wanted.accounts);
  return { ...difference(each, plain.used), kmsRequests: 0 };
}

/** What a delivery costs, beside its mail, that a receiver lets time out ten times in 76 hours. */
export async function measureExhausted(deliveries: number): Promise<Usage> {
  const { cloud, population } = await warmCloud({ accounts: 10, webhooks: 10, intervalSeconds: 86_400 });
  const tick = divided((await usedIn(cloud, CYCLE_MINUTES)).plan, CYCLE_MINUTES);
  for (const { url } of population.webhooks) cloud.receivers.behave(url, 'silent');
  const deps = cloud.pollDeps();
  const pollAll = async () => {
    for (const { id } of population.accounts) {
      await cloud.time.runThrough(pollAccount(deps, id, 'manual', GO));
    }
  };
  // The first one takes the baseline.
  await pollAll();
  const before = cloud.meter.read();
  for (const { username } of population.accounts) {
    cloud.mail.deliver(username, deliveries / population.accounts.length);
  }
  await pollAll();
  await cloud.run(EXHAUSTION_MINUTES);
  if (cloud.receivers.attempts !== 10 * deliveries) {
    throw new Error(`${cloud.receivers.attempts} attempts of ${deliveries} deliveries, not ten of each`);
  }
  const { plan, dispatch } = between(before, cloud.meter.read());
  const extra = difference(plan, tick, EXHAUSTION_MINUTES);
  return divided(sumOf(extra, dispatch), deliveries);
}

/** What a webhook costs that asks for an hour's rest again and again, with so many deliveries waiting behind its gate. */
export interface DeadWebhook {
  readonly waiting: number;
  /** In an hour, on top of the same stack without it. */
  readonly hour: Usage;
  /** One of the waiting deliveries, released and taken once the webhook is well again. */
  readonly released: Usage;
}

export async function measureDead(waiting: number): Promise<DeadWebhook> {
  const { cloud, population } = await warmCloud({ accounts: 10, webhooks: 10 });
  const idle = await usedIn(cloud, 60);
  await killWebhook(cloud, population, waiting);
  const dead = await usedIn(cloud, 3 * 60);
  const hour = divided(difference(totalOf(dead), totalOf(idle), 3), 3);
  for (const { url } of population.webhooks) cloud.receivers.behave(url, 'well');
  while (cloud.receivers.taken === 0) await cloud.run(1);
  const before = cloud.receivers.taken;
  const recovering = await usedIn(cloud, RECOVERY_MINUTES);
  const extra = difference(totalOf(recovering), totalOf(idle), RECOVERY_MINUTES / 60);
  return { waiting, hour, released: divided(extra, cloud.receivers.taken - before) };
}
