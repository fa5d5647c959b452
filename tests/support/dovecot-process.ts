import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { DovecotPorts, ServerIdentity } from './dovecot-config.ts';

/** A started server; both calls do nothing when it has ended. */
export interface RunningDovecot {
  readonly processGroup: number;
  stop(): Promise<void>;
  kill(): Promise<void>;
}

const NOT_INSTALLED = 'Dovecot is not installed: apt-get install dovecot-imapd dovecot-pop3d';
const START_DEADLINE_MS = 20_000;
const CONNECT_PAUSE_MS = 20;
const STOP_DEADLINE_MS = 10_000;
const ERROR_OUTPUT_CHARS = 4096;

/** Debian keeps Dovecot where the PATH of an ordinary user does not look. */
const ENVIRONMENT = { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin` };

/**
 * Runs the server in the foreground until it ends. Its standard input is a pipe whose other end the tests hold: when that
 * closes, because they ended or were killed, it ends the server and removes its folder, `$1`. A login process outlives the
 * server while it has a connection, so the last thing is to end the whole group.
 */
const KEEPER = `
exec 3<&0
dovecot -F -c "$1/dovecot.conf" </dev/null 3<&- & server=$!
(read _ <&3; kill -TERM $server) & watch=$!
wait $server; code=$?
kill $watch 2>/dev/null
wait $watch && { rm -rf "$1"; kill -KILL 0; }
exit $code
`;

let printedVersion: string | undefined;

/** The version of the installed server, printed once. Throws when there is none, or none these tests are made for. */
export async function dovecotVersion(command = 'dovecot'): Promise<string> {
  const version = await promisify(execFile)(command, ['--version'], { env: ENVIRONMENT }).then(
    ({ stdout }) => stdout.trim(),
    (error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
        throw new Error(NOT_INSTALLED);
      throw error;
    },
  );
  if (!version.startsWith('2.3.')) {
    // 2.4 renamed most settings, and refuses the configuration of 2.3.
    throw new Error(`Cannot use Dovecot "${version}": these tests configure version 2.3`);
  }
  if (printedVersion !== version) process.stdout.write(`Dovecot ${version}\n`);
  printedVersion = version;
  return version;
}

/** Who the server runs as: this user, but `nobody` in place of root, as which Dovecot lets nobody log in. */
export function serverIdentity(): ServerIdentity {
  const own = userInfo();
  const userName = own.uid === 0 ? 'nobody' : own.username;
  const id = (option: string) => execFileSync('id', [option, userName], { encoding: 'utf8' }).trim();
  return { uid: Number(id('-u')), gid: Number(id('-g')), userName, groupName: id('-gn') };
}

/**
 * Starts the server of a folder that holds its `dovecot.conf`, and resolves once it greets on its ports.
 * Throws with its error output and log when it ends instead, or greets nobody for 20 s.
 */
export async function runDovecot(
  folder: string,
  ports: DovecotPorts,
  identity: ServerIdentity,
): Promise<RunningDovecot> {
  const drop = process.getuid?.() === identity.uid ? {} : { uid: identity.uid, gid: identity.gid };
  const keeper = spawn('sh', ['-c', KEEPER, 'dovecot', folder], {
    ...drop,
    cwd: folder,
    env: ENVIRONMENT,
    // A group of its own: a key press in the terminal reaches the tests only, and `kill` all of the server.
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let errorOutput = '';
  keeper.stderr.setEncoding('utf8').on('data', (text: string) => {
    errorOutput = (errorOutput + text).slice(-ERROR_OUTPUT_CHARS);
  });
  // `close` follows `exit` when the error output is read to its end.
  const ended = once(keeper, 'close').then(() => 'ended' as const);
  const server = { keeper, ended, folder, ports };
  const ready = await Promise.race([untilPorts(ports, isGreeting, START_DEADLINE_MS), ended]);
  if (ready !== true) {
    await killServer(server);
    throw new Error(startError(ready, errorOutput, logOf(folder)));
  }
  return {
    processGroup: keeper.pid ?? 0,
    stop: () => stopServer(server),
    kill: () => killServer(server),
  };
}

interface Server {
  readonly keeper: ChildProcess;
  readonly ended: Promise<'ended'>;
  readonly folder: string;
  readonly ports: DovecotPorts;
}

async function stopServer(server: Server): Promise<void> {
  if (hasEnded(server.keeper)) return;
  const pidFile = join(server.folder, 'run', 'master.pid');
  if (existsSync(pidFile)) process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGTERM');
  const deadline = AbortSignal.timeout(STOP_DEADLINE_MS);
  const late = once(deadline, 'abort').then(() => 'late' as const);
  await Promise.race([server.ended, late]);
  await killServer(server);
}

async function killServer(server: Server): Promise<void> {
  const { pid } = server.keeper;
  if (pid !== undefined) killGroup(pid);
  await server.ended;
  // A new server takes the process named here for a running one as long as nobody collected its end.
  rmSync(join(server.folder, 'run', 'master.pid'), { force: true });
  await portsClosed(server);
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // No such process: all of the group ended by itself.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** The processes below the one that ended hold the ports a moment longer. */
async function portsClosed(server: Server): Promise<void> {
  if (await untilPorts(server.ports, isClosed, STOP_DEADLINE_MS)) return;
  throw new Error(
    `Cannot end Dovecot in "${server.folder}": its ports still answer after ${STOP_DEADLINE_MS} ms`,
  );
}

function startError(ready: 'ended' | false, errorOutput: string, log: string): string {
  if (errorOutput.includes('Unknown protocol')) return NOT_INSTALLED;
  const reason = ready === 'ended' ? 'it ended' : `it greeted nobody for ${START_DEADLINE_MS} ms`;
  return `Cannot start Dovecot: ${reason}\n${errorOutput}\n${log}`;
}

function logOf(folder: string): string {
  const path = join(folder, 'dovecot.log');
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

type PortState = 'closed' | 'silent' | 'greeting';

const isGreeting = (state: PortState) => state === 'greeting';
const isClosed = (state: PortState) => state === 'closed';

/** Whether all ports come into the wanted state before the deadline. */
async function untilPorts(
  ports: DovecotPorts,
  wanted: (state: PortState) => boolean,
  deadlineMs: number,
): Promise<boolean> {
  const deadline = AbortSignal.timeout(deadlineMs);
  const wait = async (port: number, speaksFirst: boolean): Promise<boolean> => {
    while (!deadline.aborted) {
      if (wanted(await portState(port, speaksFirst, deadline))) return true;
      await pause(CONNECT_PAUSE_MS, undefined, { signal: deadline }).catch(() => 'over');
    }
    return false;
  };
  const all = await Promise.all([
    wait(ports.imap, true),
    wait(ports.pop3, true),
    wait(ports.imaps, false),
    wait(ports.pop3s, false),
  ]);
  return all.every((reached) => reached);
}

/** A server with implicit TLS says nothing first: that it takes the connection counts as its greeting. */
function portState(port: number, speaksFirst: boolean, deadline: AbortSignal): Promise<PortState> {
  return new Promise((resolve) => {
    const socket: Socket = connect({ host: '127.0.0.1', port, signal: deadline });
    const settle = (state: PortState) => {
      resolve(state);
      socket.destroy();
    };
    socket.once('connect', () => !speaksFirst && settle('greeting'));
    socket.once('data', () => settle('greeting'));
    socket.once('end', () => settle('silent'));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      settle(error.code === 'ECONNREFUSED' ? 'closed' : 'silent');
    });
  });
}
