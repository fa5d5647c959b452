import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A process of the test that uses a data folder of its own accord. */
interface Child {
  /** The lines it prints, as they come. */
  readonly lines: AsyncIterable<string>;
  /** Ends it as a power cut would, and waits until it is gone. */
  kill(): Promise<void>;
}

/** Starts one of the scripts beside this file with Node. */
export function startChild(script: string, ...parameters: readonly string[]): Child {
  return childOf(spawn(process.execPath, [pathOf(script), ...parameters]));
}

/** The same, where no file may become larger than so many blocks (of 512 or 1,024 bytes, as the shell has it). */
export function startLimitedChild(blocks: number, script: string, ...parameters: readonly string[]): Child {
  const command = `ulimit -f ${blocks}; exec "$0" "$@"`;
  return childOf(spawn('sh', ['-c', command, process.execPath, pathOf(script), ...parameters]));
}

function pathOf(script: string): string {
  return fileURLToPath(new URL(script, import.meta.url));
}

function childOf(child: ChildProcessWithoutNullStreams): Child {
  const exited = once(child, 'exit');
  const errors: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()));
  const lines = async function* () {
    yield* createInterface({ input: child.stdout });
    await exited;
    if (errors.length > 0) throw new Error(`The child failed: ${errors.join('')}`);
  };
  return {
    lines: lines(),
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
