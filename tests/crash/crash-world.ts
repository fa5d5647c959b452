import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServerAction } from '../../shared/account.ts';
import { type Embedded, openEmbedded } from '../../shared/embedded/open.ts';
import {
  type AccountId,
  accountIdOf,
  type EventId,
  eventIdOf,
  type Protocol,
  type Source,
} from '../../shared/identity.ts';
import { systemClock } from '../../shared/ports/clock.ts';
import type { Attachments } from '../../shared/webhook.ts';
import { type ReceivedRequest, type Receiver, startReceiver } from '../support/receiver.ts';
import type { Answer } from '../support/receiver-answers.ts';
import type { Round } from './crash-child.ts';
import { type CrashMailbox, startMailbox, USERNAME } from './crash-mailbox.ts';
import { answerOf, type CrashMail, LATE_MAIL, MAILS } from './crash-mails.ts';
import type { Ended, Players, Running } from './crash-process.ts';
import { addAccountWithBaseline, addWebhook, SECRET } from './crash-setup.ts';
import type { KillPoint } from './crash-steps.ts';

/** How a world of the crash tests differs from the usual one. */
export interface WorldOptions {
  readonly protocol: Protocol;
  readonly onDelivered: ServerAction;
  /** @default 86,400: never, in the time of a test */
  readonly intervalSeconds?: number;
  /** @default true */
  readonly move?: boolean;
  /** What the receiver answers. @default answerOf */
  readonly answer?: (request: ReceivedRequest) => Answer;
  /** How the webhook takes attachments. @default 'link' */
  readonly attachments?: Attachments;
  /** What arrives after the baseline; null leaves account, baseline and mails to the test. @default MAILS */
  readonly mails?: readonly CrashMail[] | null;
}

type Special = Partial<Pick<Round, 'clockAheadMs' | 'unreadable'>>;

/** A mail with where it lies and the id that its event must have. */
export interface Placed {
  readonly mail: CrashMail;
  readonly id: EventId;
  readonly source: Source;
  /** What was done to it on its server. */
  action(): ReturnType<CrashMailbox['actionOn']>;
}

/** All that survives a crash: the data folder, the mail server and the receiver. */
export class CrashWorld implements AsyncDisposable {
  readonly options: WorldOptions;
  readonly folder: string;
  readonly mailbox: CrashMailbox;
  readonly receiver: Receiver;
  readonly accountId: AccountId;
  readonly placed: Placed[] = [];
  /** Mails that something was done to before a webhook had taken them. */
  readonly early = new Set<string>();
  /** The rounds so far. */
  readonly rounds: Ended[] = [];

  readonly #players: Players;

  private constructor(players: Players, options: WorldOptions, mailbox: CrashMailbox, receiver: Receiver) {
    this.#players = players;
    this.options = options;
    this.folder = mkdtempSync(join(tmpdir(), 'mailhook-crash-'));
    this.mailbox = mailbox;
    this.receiver = receiver;
    const { protocol } = options;
    const { port } = mailbox;
    this.accountId = accountIdOf({ protocol, host: '127.0.0.1', port, username: USERNAME });
    mailbox.watch(() => this.lookForEarlyActions());
  }

  /** A world with a webhook, an account and its baseline, and then some mails. */
  static async open(players: Players, options: WorldOptions): Promise<CrashWorld> {
    const { protocol, answer = answerOf, mails = MAILS } = options;
    const mailbox = await startMailbox(protocol, options);
    const receiver = await startReceiver({ secret: SECRET, answer });
    const world = new CrashWorld(players, options, mailbox, receiver);
    await world.inFolder((embedded) => addWebhook(embedded, receiver.url, options.attachments));
    if (mails === null) return world;
    await world.inFolder((embedded) => addAccountWithBaseline(embedded, mailbox.port, options));
    await mailbox.removeOne();
    for (const mail of mails) world.arrive(mail);
    return world;
  }

  arrive(mail: CrashMail): void {
    const source = this.mailbox.add(mail);
    const id = eventIdOf(this.accountId, source);
    this.placed.push({ mail, id, source, action: () => this.mailbox.actionOn(mail, source) });
  }

  lookForEarlyActions(): void {
    for (const { mail, id, action } of this.placed) {
      if (action() !== 'none' && !this.receiver.accepted.has(id)) this.early.add(mail.subject);
    }
  }

  /** Plays one round, and looks at the server once its process is dead. */
  async play(task: Round['task'], kill: KillPoint | null, special: Special = {}): Promise<Ended> {
    return await this.over(this.start(task, kill, special));
  }

  /** Begins a round that the test may kill itself; `over` ends it. */
  start(task: Round['task'], kill: KillPoint | null = null, special: Special = {}): Running {
    return this.#players.start({
      folder: this.folder,
      task,
      kill,
      clockAheadMs: 0,
      unreadable: null,
      ...special,
    });
  }

  async over(running: Running): Promise<Ended> {
    const ended = await running.ended;
    await this.mailbox.free();
    this.lookForEarlyActions();
    this.rounds.push(ended);
    return ended;
  }

  /** One start for each kill point and a last one that is not killed; a mail arrives after the first crash. */
  async crashAndRecover(task: Round['task'], kills: readonly KillPoint[]): Promise<void> {
    for (const [index, kill] of kills.entries()) {
      await this.play(task, kill);
      if (index === 0) this.arrive(LATE_MAIL);
    }
    await this.play(task, null);
  }

  /** Opens the data folder in this process, as a restart would. */
  async inFolder<Result>(use: (embedded: Embedded) => Promise<Result>, clock = systemClock): Promise<Result> {
    const embedded = await openEmbedded({ folder: this.folder, clock });
    try {
      return await use(embedded);
    } finally {
      await embedded.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.mailbox.close(), this.receiver.close()]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
