// Plain JavaScript, because it must run on the Node that a machine happens to have.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { fileURLToPath } from 'node:url';

const REQUIRED_MAJOR = 24;
/** Not in the shared temporary folder, where others could put code. */
const COMPILED = fileURLToPath(new URL('../node_modules/.cache/mailhook', import.meta.url));

/**
 * Runs `entry` (a URL of a module) on Node 24 or newer: in this process when it is one, else in the
 * Node that the install brought along. Without either it prints what to do and exits with 1. What is compiled is kept,
 * so that the next start takes half the time.
 */
export async function runOnRequiredNode(entry) {
  if (Number(process.versions.node.split('.')[0]) >= REQUIRED_MAJOR) {
    nodeModule.enableCompileCache(COMPILED);
    await import(entry.href);
    return;
  }
  const bundled = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));
  if (!existsSync(bundled)) {
    process.stderr.write(
      `mailhook needs Node ${REQUIRED_MAJOR} or newer, and this is ${process.versions.node}: ` +
        'install it from https://nodejs.org, or run `npm ci` on linux-x64, linux-arm64 or win-x64, where it comes along\n',
    );
    process.exit(1);
  }
  const child = spawn(bundled, [fileURLToPath(entry), ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { NODE_COMPILE_CACHE: COMPILED, ...process.env },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
}
