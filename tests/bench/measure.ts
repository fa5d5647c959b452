import { readdirSync, readFileSync } from 'node:fs';

/** What one run of a stage took. */
export interface Measurement {
  readonly name: string;
  readonly mails: number;
  readonly bytes: number;
  readonly seconds: number;
  /** CPU time of this process, its threads included. */
  readonly ownCpuSeconds: number;
  /** CPU time of the processes it works with: a server, a receiver. Null where that cannot be read. */
  readonly otherCpuSeconds: number | null;
}

/** One process with its threads, or a process group, as a server that forks has. */
export type Processes = { readonly pid: number } | { readonly group: number };

export interface Work {
  readonly name: string;
  readonly mails: number;
  readonly bytes: number;
  /** Processes whose CPU time counts as others'. @default none */
  readonly others?: () => readonly Processes[];
  /** The process that does the work in place of this one. @default none */
  readonly doer?: () => Processes;
  /** Runs before each measured run and is not measured. */
  readonly prepare?: () => Promise<void>;
  readonly run: () => Promise<void>;
}

/** USER_HZ: the unit of /proc/PID/stat, the same on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Runs a piece of work several times and gives the run that took the median time. @default 3 runs, one to warm up */
export async function measure(work: Work, runs = 3, warmUps = 1): Promise<Measurement> {
  const measured: Measurement[] = [];
  for (let run = -warmUps; run < runs; run++) {
    await work.prepare?.();
    const one = await measureOnce(work);
    if (run >= 0) measured.push(one);
  }
  measured.sort((a, b) => a.seconds - b.seconds);
  const median = measured[Math.floor(measured.length / 2)];
  if (median === undefined) throw new Error(`Cannot measure "${work.name}": no run was asked for`);
  return median;
}

async function measureOnce(work: Work): Promise<Measurement> {
  const others = work.others?.() ?? [];
  const doer = work.doer?.();
  const otherBefore = cpuSecondsOf(others);
  const ownBefore = ownCpuSeconds(doer);
  const began = performance.now();
  await work.run();
  const seconds = (performance.now() - began) / 1000;
  return {
    name: work.name,
    mails: work.mails,
    bytes: work.bytes,
    seconds,
    ownCpuSeconds: ownCpuSeconds(doer) - ownBefore,
    otherCpuSeconds: difference(cpuSecondsOf(others), otherBefore),
  };
}

function ownCpuSeconds(doer: Processes | undefined): number {
  if (doer !== undefined) return cpuSecondsOf([doer]) ?? 0;
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function difference(after: number | null, before: number | null): number | null {
  return after === null || before === null ? null : Math.max(0, after - before);
}

/** CPU time of these processes and of their children that ended; null where there is no /proc. */
function cpuSecondsOf(wanted: readonly Processes[]): number | null {
  if (process.platform !== 'linux') return null;
  let ticks = 0;
  for (const name of wanted.length === 0 ? [] : readdirSync('/proc')) {
    const fields = /^\d+$/.test(name) ? statFields(name) : null;
    if (fields === null) continue;
    // proc(5): pgrp is field 5; utime, stime, cutime and cstime are fields 14 to 17. Two fields, pid and name, are cut off.
    const group = Number(fields[2]);
    const isWanted = wanted.some((one) => ('pid' in one ? one.pid === Number(name) : one.group === group));
    if (isWanted) ticks += fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  }
  return ticks / TICKS_PER_SECOND;
}

function statFields(pid: string): string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch (error) {
    // The process ended since it was listed.
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH'))
      return null;
    throw error;
  }
}
