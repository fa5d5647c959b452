import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, fstatSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Round } from './crash-child.ts';
import { nameOf } from './crash-steps.ts';
import type { Line } from './crash-trace.ts';

const CHILD = fileURLToPath(new URL('./crash-child.ts', import.meta.url));
/** Compiled modules, for the processes that start later, of other tests and another day too: most of a start. */
const COMPILE_CACHE = fileURLToPath(new URL('../../node_modules/.cache/mailhook-crash', import.meta.url));
const DEADLINE_SEC = 25;
const SHOWN_STEPS = 12;

type Step = Extract<Line, { kind: 'step' }>;

/** A round that is over: its process is dead, or holds the data folder no longer. */
export interface Ended {
  /** Whether it was killed: by itself, at its kill point, or by the test. */
  readonly killed: boolean;
  /** What the round came to; undefined when it was killed. */
  readonly result: unknown;
  /** In the order in which they were taken. */
  readonly steps: readonly Step[];
}

/** A round under way. */
export interface Running {
  /** Throws when the round failed, or did not end in time, or ended without coming to its kill point. */
  readonly ended: Promise<Ended>;
  /** SIGKILL, from outside. */
  kill(): void;
}

/**
 * Processes that play rounds. One whose round ended by itself plays another, on whatever data folder that one names:
 * starting is most of what a round costs. One that was killed is gone.
 */
export class Players implements AsyncDisposable {
  readonly #idle: Player[] = [];

  /** Plays a round in a process that plays no other meanwhile. */
  start(round: Round): Running {
    const player = this.#idle.pop() ?? new Player();
    return { kill: () => player.kill(), ended: this.#play(player, round) };
  }

  async #play(player: Player, round: Round): Promise<Ended> {
    const ended = await player.play(round);
    if (!ended.killed) this.#idle.push(player);
    return ended;
  }

  /** Ends the idle ones; throws when one of them does not end by itself. */
  async [Symbol.asyncDispose](): Promise<void> {
    const codes = await Promise.all(this.#idle.map((player) => player.end()));
    if (codes.some((code) => code !== 0)) throw new Error(`A process ended with ${codes.join(', ')}, not 0`);
  }
}

class Player {
  readonly #child: ChildProcess;
  /** 'close', not 'exit': only then all of its errors have been read. */
  readonly #closed: Promise<[number | null, NodeJS.Signals | null]>;
  readonly #trace: number;
  /** Where in the trace the present round begins. */
  #fromByte = 0;
  #stderr = '';
  #killedByTest = false;

  constructor() {
    const path = join(tmpdir(), `mailhook-crash-${randomUUID()}.jsonl`);
    this.#trace = openSync(path, 'a+');
    this.#child = fork(CHILD, {
      stdio: ['ignore', this.#trace, 'pipe', 'ipc'],
      env: { ...process.env, NODE_COMPILE_CACHE: COMPILE_CACHE },
    });
    // It lives as long as somebody has it open.
    rmSync(path);
    this.#closed = once(this.#child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr += chunk.toString();
    });
  }

  kill(): void {
    this.#killedByTest = true;
    this.#child.kill('SIGKILL');
  }

  async play(round: Round): Promise<Ended> {
    const done = once(this.#child, 'message');
    this.#child.send(round);
    const how = await inTime(Promise.race([done, this.#closed]));
    const lines = this.#read();
    if (how === 'late') {
      this.#child.kill('SIGKILL');
      throw new Error(`The round did not end in ${DEADLINE_SEC} s: ${this.#story(lines)}`);
    }
    const steps = lines.filter((line) => line.kind === 'step');
    const last = lines.at(-1);
    const isKilled = how[1] === 'SIGKILL' && (this.#killedByTest || last?.kind === 'killed');
    if (isKilled) {
      closeSync(this.#trace);
      return { killed: true, result: undefined, steps };
    }
    if (last?.kind !== 'done')
      throw new Error(`The process ended with ${how.join(', ')}: ${this.#story(lines)}`);
    if (round.kill === null) return { killed: false, result: last.result, steps };
    await this.end();
    throw new Error(`The round ended by itself, and never came to "${nameOf(round.kill)}"`);
  }

  /** Lets it end by itself; its exit code. */
  async end(): Promise<number | null> {
    this.#child.send('end');
    const ended = await inTime(this.#closed);
    closeSync(this.#trace);
    if (ended !== 'late') return ended[0];
    this.#child.kill('SIGKILL');
    throw new Error(`The process did not end by itself in ${DEADLINE_SEC} s`);
  }

  /** What it wrote in this round. */
  #read(): Line[] {
    const bytes = Buffer.alloc(fstatSync(this.#trace).size - this.#fromByte);
    this.#fromByte += readSync(this.#trace, bytes, 0, bytes.length, this.#fromByte);
    return bytes
      .toString()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Line);
  }

  #story(lines: readonly Line[]): string {
    const failed = lines.find((line) => line.kind === 'failed');
    const steps = lines.filter((line) => line.kind === 'step').slice(-SHOWN_STEPS);
    return `${failed?.error ?? ''} ${this.#stderr}; it came to ${steps.map(nameOf).join(', ')}`;
  }
}

/** `late` after so many seconds in which this process ran: one that is suspended finds its children suspended too. */
async function inTime<Result>(work: Promise<Result>): Promise<Result | 'late'> {
  const { promise, resolve } = Promise.withResolvers<'late'>();
  let leftSec = DEADLINE_SEC;
  const timer = setInterval(() => {
    leftSec -= 1;
    if (leftSec === 0) resolve('late');
  }, 1_000);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearInterval(timer);
  }
}
