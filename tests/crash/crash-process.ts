import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Round } from './crash-child.ts';
import { nameOf } from './crash-steps.ts';
import type { Line } from './crash-trace.ts';

const CHILD = fileURLToPath(new URL('./crash-child.ts', import.meta.url));
/** Compiled modules, for the processes that start later, of other tests and another day too: most of a start. */
const COMPILE_CACHE = fileURLToPath(new URL('../../node_modules/.cache/mailhook-crash', import.meta.url));
const DEADLINE_MS = 25_000;
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
  /** 'close', not 'exit': only then everything it wrote has been read. */
  readonly #closed: Promise<[number | null, NodeJS.Signals | null]>;
  #lines: Line[] = [];
  #stderr = '';
  #over: () => void = () => undefined;
  #killedByTest = false;

  constructor() {
    this.#child = fork(CHILD, {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, NODE_COMPILE_CACHE: COMPILE_CACHE },
    });
    this.#closed = once(this.#child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    const { stdout, stderr } = this.#child;
    if (stdout === null || stderr === null) throw new Error('The process has no output to read');
    stderr.on('data', (chunk: Buffer) => {
      this.#stderr += chunk.toString();
    });
    createInterface(stdout).on('line', (line) => {
      this.#lines.push(JSON.parse(line) as Line);
      if (this.#lines.at(-1)?.kind === 'done') this.#over();
    });
  }

  kill(): void {
    this.#killedByTest = true;
    this.#child.kill('SIGKILL');
  }

  async play(round: Round): Promise<Ended> {
    this.#lines = [];
    const done = new Promise<void>((resolve) => {
      this.#over = resolve;
    });
    const late = Promise.withResolvers<'late'>();
    const timer = setTimeout(() => late.resolve('late'), DEADLINE_MS);
    this.#child.send(round);
    const how = await Promise.race([done, this.#closed, late.promise]);
    clearTimeout(timer);
    if (how === 'late') {
      this.#child.kill('SIGKILL');
      throw new Error(`The round did not end in ${DEADLINE_MS / 1_000} s: ${this.#story()}`);
    }
    const steps = this.#lines.filter((line) => line.kind === 'step');
    const last = this.#lines.at(-1);
    const isKilled = how?.[1] === 'SIGKILL' && (this.#killedByTest || last?.kind === 'killed');
    if (isKilled) return { killed: true, result: undefined, steps };
    if (last?.kind !== 'done') throw new Error(`The process ended with ${how?.join(', ')}: ${this.#story()}`);
    if (round.kill === null) return { killed: false, result: last.result, steps };
    await this.end();
    throw new Error(`The round ended by itself, and never came to "${nameOf(round.kill)}"`);
  }

  /** Lets it end by itself; its exit code. */
  async end(): Promise<number | null> {
    this.#child.send('end');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), DEADLINE_MS);
    const [code] = await this.#closed;
    clearTimeout(timer);
    return code;
  }

  #story(): string {
    const failed = this.#lines.find((line) => line.kind === 'failed');
    const steps = this.#lines.filter((line) => line.kind === 'step').slice(-SHOWN_STEPS);
    return `${failed?.error ?? ''} ${this.#stderr}; it came to ${steps.map(nameOf).join(', ')}`;
  }
}
