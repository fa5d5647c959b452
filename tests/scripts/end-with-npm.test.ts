import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from 'vitest';

const MODULE = new URL('../../scripts/end-with-npm.mjs', import.meta.url).href;
/** Says that it runs, and what ends it. */
const PROGRAM = `
import { endWithNpm } from ${JSON.stringify(MODULE)};
endWithNpm();
process.on('SIGTERM', () => { console.log('told'); process.exit(0); });
console.log('running ' + process.ppid);
setInterval(() => undefined, 1_000);
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

function startNpm(command: string): { readonly npm: ChildProcess; readonly lines: AsyncIterator<string> } {
  const env = { ...process.env, npm_lifecycle_event: 'start', NODE: process.execPath, PROGRAM };
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
});
