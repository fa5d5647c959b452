import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from 'vitest';

const MODULE = new URL('../../scripts/end-with-npm.mjs', import.meta.url).href;
/** Says that it runs, and what ends it. */
const PROGRAM = `
import { openSync } from 'node:fs';
import { endWithNpm } from ${JSON.stringify(MODULE)};
endWithNpm();
process.on('SIGTERM', () => { console.log('told'); process.exit(0); });
console.log('running ' + process.pid);
const parent = process.ppid;
let looks = 0;
setInterval(() => {
  if (process.ppid !== parent || process.env.EXHAUSTED) looks += 1;
  if (looks === 4) console.log('goes on');
}, 300);
try {
  while (process.env.EXHAUSTED) openSync('/dev/null');
} catch (error) {
  console.log(error.code);
}
`;
/** Stands for npm: runs the command in a shell, and waits. */
const NPM = `
const { spawn } = require('node:child_process');
spawn('sh', ['-c', process.argv[1]], { stdio: 'inherit' });
`;

const left: ChildProcess[] = [];
afterEach(() => {
  for (const child of left.splice(0)) child.kill('SIGKILL');
});

function startNpm(
  command: string,
  event = 'start',
): { readonly npm: ChildProcess; readonly lines: AsyncIterator<string> } {
  const env = { ...process.env, npm_lifecycle_event: event, NODE: process.execPath, PROGRAM };
  const npm = spawn(process.execPath, ['-e', NPM, command], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  left.push(npm);
  return { npm, lines: createInterface({ input: npm.stdout })[Symbol.asyncIterator]() };
}

const RUN = '"$NODE" --input-type=module -e "$PROGRAM"';

/** Only Linux has /proc, by which the shell's own parent is known. */
const WAITING = [['a shell that waits', `${RUN}; exit 0`]];
const REPLACED = [['a shell that is replaced', `exec ${RUN}`]];

describe('a server that npm started', () => {
  it.each([...REPLACED, ...(process.platform === 'linux' ? WAITING : [])])(
    'is told to end when npm is killed, through %s',
    async (_, command = '') => {
      const { npm, lines } = startNpm(command);
      expect((await lines.next()).value).toMatch(/^running/);
      npm.kill('SIGKILL');
      expect((await lines.next()).value).toBe('told');
    },
  );

  it('goes on in a terminal that npx began, when its shell ends', async () => {
    const { npm, lines } = startNpm(`exec ${RUN}`, 'npx');
    const running = String((await lines.next()).value);
    try {
      npm.kill('SIGKILL');
      expect((await lines.next()).value).toBe('goes on');
    } finally {
      process.kill(Number(running.split(' ')[1]), 'SIGKILL');
    }
  });

  it('goes on while it has no free file descriptor to look for npm with', async () => {
    const { lines } = startNpm(`ulimit -n 100; EXHAUSTED=yes ${RUN}; exit 0`);
    const running = String((await lines.next()).value);
    try {
      expect((await lines.next()).value).toBe('EMFILE');
      expect((await lines.next()).value).toBe('goes on');
    } finally {
      process.kill(Number(running.split(' ')[1]), 'SIGKILL');
    }
  });
});
