// Starts `npm start` as a user does, waits until its port answers, and ends it with SIGTERM: all of it must end.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const ANSWER_DEADLINE_MS = 30_000;
const EXIT_DEADLINE_MS = 15_000;
const PAUSE_MS = 50;

const port = await freePort();
const data = mkdtempSync(join(tmpdir(), 'mailhook-start-'));
const began = performance.now();
const npm = spawn('npm', ['start'], {
  env: { ...process.env, MAILHOOK_PORT: String(port), MAILHOOK_DATA: data },
  stdio: ['ignore', 'pipe', 'inherit'],
  // A group of its own, to be ended as a whole.
  detached: true,
});
npm.stdout.pipe(process.stdout);
// `close` waits for everybody who holds the output: mailhook may outlive npm by a moment, to finish what is in hand.
const ended = once(npm, 'close');

try {
  await answers();
  console.log(`answered after ${Math.round(performance.now() - began)} ms`);
  const stopping = performance.now();
  npm.kill('SIGTERM');
  const [code, signal] = await before(EXIT_DEADLINE_MS, ended, 'SIGTERM to npm did not end all of it');
  // npm ends as its shell does: with 0 where that became mailhook, else by the signal.
  if (code !== 0 && signal !== 'SIGTERM') throw new Error(`SIGTERM ended npm with ${signal ?? code}`);
  console.log(`ended after ${Math.round(performance.now() - stopping)} ms`);
} finally {
  killGroup();
  rmSync(data, { recursive: true, force: true });
}

async function answers() {
  const deadline = performance.now() + ANSWER_DEADLINE_MS;
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${port}/`).catch(() => null);
    await response?.body?.cancel();
    if (response?.ok) return;
    if (npm.exitCode !== null) throw new Error(`npm start ended with ${npm.exitCode}`);
    if (performance.now() > deadline) {
      throw new Error(`http://127.0.0.1:${port}/ does not answer: ${response?.status ?? 'no connection'}`);
    }
    await pause(PAUSE_MS);
  }
}

async function freePort() {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: free } = server.address();
  server.close();
  await once(server, 'close');
  return free;
}

async function before(deadlineMs, promise, message) {
  const timer = new AbortController();
  const late = pause(deadlineMs, 'late', { signal: timer.signal });
  const first = await Promise.race([promise, late]);
  if (first === 'late') throw new Error(`${message} within ${deadlineMs} ms`);
  timer.abort();
  await late.catch(() => 'aborted');
  return first;
}

/** Leaves nothing behind, whatever happened. */
function killGroup() {
  try {
    process.kill(-npm.pid, 'SIGKILL');
  } catch (error) {
    // All of the group has ended already.
    if (error.code !== 'ESRCH') throw error;
  }
}
