import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { MiniStackAccess } from './ministack.ts';

/** The state of a connection that both ends have open, as `/proc/net/tcp` writes it. */
const ESTABLISHED = '01';

/** The ids of the processes that run this function on the local AWS now, idle ones too. For Linux: reads `/proc`. */
export function functionProcesses({ pid }: Pick<MiniStackAccess, 'pid'>, functionName: string): number[] {
  const folder = `/ministack-lambda-${functionName}-`;
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((child) => parentOf(child) === pid && commandOf(child).includes(folder));
}

/** Whether the process has a connection open to one of these ports of loopback. */
export function isConnectedTo(pid: number, ports: readonly number[]): boolean {
  const sockets = new Set(connectionsTo(ports));
  return present(() => readdirSync(`/proc/${pid}/fd`), []).some((fd) =>
    sockets.has(present(() => readlinkSync(`/proc/${pid}/fd/${fd}`), '')),
  );
}

/** The connections to these ports as the file descriptors of their owners name them. */
function connectionsTo(ports: readonly number[]): string[] {
  const rows = readFileSync('/proc/net/tcp', 'utf8').trim().split('\n').slice(1);
  return rows.flatMap((row) => {
    const [, , remote = '', state, , , , , , inode] = row.trim().split(/\s+/);
    const port = Number.parseInt(remote.split(':')[1] ?? '', 16);
    return state === ESTABLISHED && ports.includes(port) ? `socket:[${inode}]` : [];
  });
}

/** The name of the program stands in parentheses and may hold some itself; behind it come state and parent. */
function parentOf(pid: number): number {
  const status = present(() => readFileSync(`/proc/${pid}/stat`, 'utf8'), '');
  return Number(
    status
      .slice(status.lastIndexOf(')') + 1)
      .trim()
      .split(' ')[1],
  );
}

function commandOf(pid: number): string {
  return present(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'), '');
}

/** What is read, or `otherwise` when the process has ended meanwhile. */
function present<Value>(read: () => Value, otherwise: Value): Value {
  try {
    return read();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return otherwise;
    throw error;
  }
}
