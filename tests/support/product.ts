import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../local/main.ts', import.meta.url));
const START_TIMEOUT_MS = 20_000;

/** mailhook as a user runs it: a process of its own, on a data folder. */
export interface Product {
  readonly pid: number;
  readonly url: string;
  /** Sends a request to its API; throws with the answer when that is not a 2xx. */
  call<Answer = unknown>(method: string, path: string, body?: unknown): Promise<Answer>;
  /** SIGKILL, and resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGTERM, and resolves to the exit code. */
  stop(): Promise<number | null>;
  /** What it wrote to its log so far, one object for each line. */
  readonly lines: readonly Record<string, unknown>[];
  readonly stderr: () => string;
}

/** Starts mailhook on a free port and resolves when it listens. */
export async function startProduct(folder: string, env: NodeJS.ProcessEnv = {}): Promise<Product> {
  const child = spawn(process.execPath, [MAIN, '--log', 'json'], {
    env: { ...process.env, ...env, MAILHOOK_DATA: folder, MAILHOOK_PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ends = once(child, 'exit');
  const lines: Record<string, unknown>[] = [];
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const url = await listening(child, lines, () => stderr);
  const token = (await readFile(join(folder, 'token'), 'utf8')).trim();
  return {
    pid: child.pid ?? 0,
    url,
    lines,
    stderr: () => stderr,
    async call<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
      const response = await fetch(`${url}/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
      return (text === '' ? null : JSON.parse(text)) as Answer;
    },
    async kill() {
      child.kill('SIGKILL');
      await ends;
    },
    async stop() {
      child.kill('SIGTERM');
      const [code] = (await ends) as [number | null];
      return code;
    },
  };
}

function listening(
  child: ChildProcess,
  lines: Record<string, unknown>[],
  stderr: () => string,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`mailhook did not start: ${stderr()}`)),
      START_TIMEOUT_MS,
    );
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`mailhook ended with ${code} before it listened: ${stderr()}`));
    });
    if (child.stdout === null) return reject(new Error('mailhook has no output to read'));
    createInterface(child.stdout).on('line', (line) => {
      const entry = JSON.parse(line) as Record<string, unknown>;
      lines.push(entry);
      if (entry.event === 'server.started') {
        clearTimeout(timer);
        resolve(String(entry.url));
      }
    });
  });
}
