import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { type Measurement, measure, type Processes } from './measure.ts';
import type { Workload } from './workload.ts';

/** A program that retrieves mail, measured beside ours. Each gets its fastest documented setting that keeps the mail. */
interface Peer {
  readonly name: 'mpop' | 'fetchmail' | 'mbsync';
  /** Writes its configuration into an empty folder and gives its command line. */
  readonly prepare: (folder: string, target: PeerTarget) => readonly string[];
}

interface PeerTarget {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** Pipelines where the server offers it; writes a Maildir. */
export const MPOP: Peer = {
  name: 'mpop',
  prepare: (folder, { host, port, user, password }) => {
    const inbox = makeMaildir(join(folder, 'inbox'));
    const config = `account bench
host ${host}
port ${port}
user ${user}
password ${password}
auth user
tls off
keep on
uidls_file ${join(folder, 'uidls')}
delivery maildir ${inbox}
`;
    return ['mpop', '-q', '-C', writeSecret(folder, config), 'bench'];
  },
};

/** Writes one file of SMTP commands, which is much faster than a delivery program for each mail. */
export const FETCHMAIL: Peer = {
  name: 'fetchmail',
  prepare: (folder, { host, port, user, password }) => {
    const config = `set no syslog
poll ${host} service ${port} protocol POP3 auth password
  user "${user}" password "${password}" is ${userInfo().username} here keep fetchall sslproto '' bsmtp "${join(folder, 'mails')}"
`;
    return ['fetchmail', '-s', '-f', writeSecret(folder, config), '--idfile', join(folder, 'ids')];
  },
};

/** Pulls into a Maildir without fsync. */
export const MBSYNC: Peer = {
  name: 'mbsync',
  prepare: (folder, { host, port, user, password }) => {
    const config = `FSync no

IMAPStore far
Host ${host}
Port ${port}
User ${user}
Pass ${password}
SSLType None
AuthMechs LOGIN

MaildirStore near
Path ${join(folder, 'mail')}/
Inbox ${join(folder, 'inbox')}

Channel bench
Far :far:
Near :near:
Sync Pull New
Create Near
SyncState *
`;
    mkdirSync(join(folder, 'mail'));
    return ['mbsync', '-q', '-c', writeSecret(folder, config), 'bench'];
  },
};

/** Whether the program can be run here. */
export function isInstalled(peer: Peer): boolean {
  return spawnSync(peer.name, ['--version'], { stdio: 'ignore' }).error === undefined;
}

/** Measures a peer on the workload, from an empty state at each run. Throws when it does not end with 0. */
export async function measurePeer(
  peer: Peer,
  workload: Workload,
  options: {
    readonly label: string;
    readonly port: number;
    readonly others: () => readonly Processes[];
    readonly runs?: number;
    readonly warmUps?: number;
  },
): Promise<Measurement> {
  const folder = mkdtempSync(join(tmpdir(), `mailhook-bench-${peer.name}-`));
  let command: readonly string[] = [];
  let cpuSeconds: number[] = [];
  try {
    const measured = await measure(
      {
        name: options.label,
        mails: workload.mails.length,
        bytes: workload.bytes,
        others: options.others,
        prepare: async () => {
          rmSync(folder, { recursive: true });
          mkdirSync(folder, { mode: 0o700 });
          const { user, password } = workload;
          command = peer.prepare(folder, { host: '127.0.0.1', port: options.port, user, password });
        },
        run: async () => {
          cpuSeconds = [...cpuSeconds, await runTimed(command, folder)];
        },
      },
      options.runs,
      options.warmUps,
    );
    // Its CPU time stands where ours does; that of this process is just the waiting.
    return {
      ...measured,
      ownCpuSeconds: cpuSeconds.sort((a, b) => a - b)[Math.floor(cpuSeconds.length / 2)] ?? 0,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs a command to its end and resolves to the CPU time that it and its children took, as bash sums it up. */
async function runTimed(command: readonly string[], folder: string): Promise<number> {
  const script = 'TIMEFORMAT="%U %S"; time "$@" >"$HOME/output" 2>&1';
  const child = spawn('bash', ['-c', script, 'bash', ...command], {
    env: { ...process.env, LC_ALL: 'C', HOME: folder, FETCHMAILHOME: folder },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let times = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    times += text;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`Cannot measure "${command[0]}": it ended with ${code}\n${times}`);
  return times
    .trim()
    .split(' ')
    .map(Number)
    .reduce((sum, part) => sum + part, 0);
}

function makeMaildir(path: string): string {
  for (const part of ['tmp', 'new', 'cur']) mkdirSync(join(path, part), { recursive: true });
  return path;
}

function writeSecret(folder: string, text: string): string {
  const path = join(folder, 'config');
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}
