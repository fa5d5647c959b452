import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The receiver of the bench, in a process of its own. */
interface ReceiverProcess {
  readonly url: string;
  readonly pid: number;
  /** Forgets what came so far and resolves when so many different messages have come. */
  received(count: number): Promise<void>;
  stop(): Promise<void>;
}

/** Starts the receiver and resolves when it listens. */
export async function startReceiverProcess(): Promise<ReceiverProcess> {
  const child = fork(fileURLToPath(new URL('./receiver.ts', import.meta.url)));
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  return {
    url: `http://127.0.0.1:${port}/`,
    pid: child.pid ?? 0,
    async received(count) {
      const done = once(child, 'message');
      child.send({ await: count });
      await done;
    },
    async stop() {
      const exited = once(child, 'exit');
      child.disconnect();
      await exited;
    },
  };
}
