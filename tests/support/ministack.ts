import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const FILES = fileURLToPath(new URL('./ministack/', import.meta.url));
const FOLDER = join(ROOT, '.ministack');
const PYTHON = join(FOLDER, 'bin', 'python');
/** Holds the requirements that the folder was prepared with; written last, so that a half-made folder has none. */
const PREPARED = join(FOLDER, 'prepared.txt');
const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 5_000;
const PYTHON_ADVICE =
  'install Python 3.10 or later with its venv module (on Debian: apt-get install python3-venv)';

export const REGION = 'us-east-1';
export const ACCOUNT = '000000000000';

/** How to reach a local AWS; plain data, which a test run hands to its files. */
export interface MiniStackAccess {
  /** `https://127.0.0.1:<port>`. */
  readonly endpoint: string;
  readonly port: number;
  /** The server's process; the functions that run are its children. */
  readonly pid: number;
  /** Its certificate, PEM. */
  readonly ca: string;
  /** What a process needs to find and trust it, with the rights of the account's root. */
  readonly env: Readonly<Record<string, string>>;
  /** What a client of the SDK is built with to do the same, in a process that trusts the certificate. */
  readonly clientOptions: {
    readonly endpoint: string;
    readonly region: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  };
}

/** A local AWS with IAM enforced, in a process of its own. */
interface MiniStack extends MiniStackAccess, AsyncDisposable {
  /** What it wrote so far. */
  output(): string;
}

/** Installs MiniStack into `.ministack` unless it is there; throws with what is missing on this machine. */
async function prepareMiniStack(): Promise<void> {
  const requirements = readFileSync(join(FILES, 'requirements.txt'), 'utf8');
  if (existsSync(PREPARED) && readFileSync(PREPARED, 'utf8') === requirements) return;
  rmSync(FOLDER, { recursive: true, force: true });
  await runPython('python3', ['-m', 'venv', FOLDER], PYTHON_ADVICE);
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
  await runPython(
    PYTHON,
    [...pip, '-r', join(FILES, 'requirements.txt')],
    'see that pip reaches a package index',
  );
  writeFileSync(PREPARED, requirements);
}

async function runPython(command: string, args: readonly string[], advice: string): Promise<void> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  // Rejects when there is no such command.
  const reason = await once(child, 'close').then(
    ([code]) => (code === 0 ? null : output.trim().slice(-1_000)),
    (error: Error) => error.message,
  );
  if (reason !== null) throw new Error(`Cannot prepare the local AWS: ${advice}\n${command}: ${reason}`);
}

/** Prepares and starts one on a free port; resolves when it answers. */
export async function startMiniStack(): Promise<MiniStack> {
  await prepareMiniStack();
  const folder = mkdtempSync(join(tmpdir(), 'mailhook-ministack-'));
  const port = await freePort();
  const child = spawn(PYTHON, [join(FILES, 'start.py')], {
    env: serverEnvironment(folder, port),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  const stop = async () => {
    await endProcess(child);
    rmSync(folder, { recursive: true, force: true });
  };
  const caFile = join(folder, 'ministack-tls', 'server.crt');
  try {
    await untilHealthy(port, caFile, child);
  } catch (error) {
    await stop();
    throw new Error(`The local AWS did not start: ${String(error)}\n${output.slice(-2_000)}`);
  }
  const ca = readFileSync(caFile, 'utf8');
  const endpoint = `https://127.0.0.1:${port}`;
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  return {
    endpoint,
    port,
    pid: child.pid ?? 0,
    ca,
    env: clientEnvironment(endpoint, caFile),
    clientOptions: { endpoint, region: REGION, credentials },
    output: () => output,
    [Symbol.asyncDispose]: stop,
  };
}

/** Functions are processes of the server and inherit its environment: it gets this project's Node and no settings of ours. */
function serverEnvironment(folder: string, port: number): Record<string, string> {
  const shim = pathToFileURL(join(FILES, 'lambda-stream.mjs')).href;
  return {
    PATH: [dirname(process.execPath), process.env.PATH ?? ''].join(delimiter),
    HOME: folder,
    TMPDIR: folder,
    NODE_OPTIONS: `--import=${shim}`,
    GATEWAY_PORT: String(port),
    BIND_HOST: '127.0.0.1',
    AUTH: 'true',
    USE_SSL: '1',
  };
}

function clientEnvironment(endpoint: string, caFile: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CA_BUNDLE: caFile,
    NODE_EXTRA_CA_CERTS: caFile,
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('There is no free port');
  return address.port;
}

async function untilHealthy(port: number, caFile: string, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
    if (performance.now() > deadline) throw new Error('it did not answer in time');
    if (existsSync(caFile) && (await isHealthy(port, readFileSync(caFile, 'utf8')))) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function isHealthy(port: number, ca: string): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request(
      { host: '127.0.0.1', port, path: '/_ministack/health', ca, agent: false },
      (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      },
    );
    asked.on('error', () => resolve(false));
    asked.end();
  });
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'close');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await ended;
  clearTimeout(timer);
}
