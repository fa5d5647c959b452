// Starts `npm start` as a user does, waits until its port answers, and ends it with SIGTERM: it must exit with 0.
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
  stdio: 'inherit',
  // A group of its own, so that nothing of it is left behind whatever happens.
  detached: true,
});
const exited = once(npm, 'exit');

try {
  await answers();
  console.log(`answered after ${Math.round(performance.now() - began)} ms`);
  const stopping = performance.now();
  npm.kill('SIGTERM');
  const [code, signal] = await before(EXIT_DEADLINE_MS, exited, 'SIGTERM did not end it');
  if (code !== 0) throw new Error(`SIGTERM ended it with ${signal ?? code} instead of 0`);
  console.log(`ended after ${Math.round(performance.now() - stopping)} ms`);
  await portFree();
} finally {
  endGroup();
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

/** A server that outlived npm would still hold the port. */
async function portFree() {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  server.close();
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

function endGroup() {
  try {
    process.kill(-npm.pid, 'SIGKILL');
  } catch (error) {
    // All of it has ended already.
    if (error.code !== 'ESRCH') throw error;
  }
}
