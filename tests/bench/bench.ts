import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { type Dovecot, startDovecot } from '../support/dovecot.ts';
import { measureEmbedded } from './embedded.ts';
import { type Measurement, measure } from './measure.ts';
import { measureParsers, measureParsing } from './parse.ts';
import { FETCHMAIL, isInstalled, MBSYNC, MPOP, measurePeer } from './peers.ts';
import { retrieval } from './retrieve.ts';
import { measureRoundTrips } from './round-trip.ts';
import { measurementTable, ratePerSecond } from './table.ts';
import { measureWholePath, WHOLE_PATH, wholePathUsers } from './whole-path.ts';
import { deliverWorkload, type Workload } from './workload.ts';

const PASSWORD = 'bench-password';
const FAR_USER = 'far';
const STAGES = ['retrieve', 'parse', 'embedded', 'whole', 'round-trip'] as const;
type Stage = (typeof STAGES)[number];

const RUN: Readonly<Record<Stage, (bench: Bench) => Promise<void>>> = {
  retrieve,
  parse,
  embedded: ({ workload, note }) => measureEmbedded(workload, note),
  whole,
  'round-trip': ({ dovecot, note }) =>
    measureRoundTrips(dovecot, { name: FAR_USER, password: PASSWORD }, note),
};

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '2000' },
    stage: { type: 'string', multiple: true, default: [] },
  },
});
await main(readCount(values.count), readStages(values.stage));

interface Bench {
  readonly dovecot: Dovecot;
  readonly workload: Workload;
  /** Prints a measurement and keeps it for the table. */
  readonly note: (measurement: Measurement) => void;
}

/** Measures the stages on the same mails, prints each as it comes, and all of them as a table at the end. */
async function main(count: number, stages: readonly Stage[]): Promise<void> {
  say(`${cpus()[0]?.model ?? 'unknown CPU'}, ${availableParallelism()} cores, Node ${process.versions.node}`);
  const names = ['bench', FAR_USER, ...wholePathUsers()];
  const dovecot = await startDovecot({
    users: Object.fromEntries(names.map((name) => [name, { password: PASSWORD }])),
  });
  try {
    const workload = await deliverWorkload(dovecot, { name: 'bench', password: PASSWORD }, count);
    say(`${count} mails of ${(workload.bytes / 1e6).toFixed(1)} MB\n`);
    const measured: Measurement[] = [];
    const note = (one: Measurement) => {
      measured.push(one);
      say(`${one.name}: ${ratePerSecond(one)} mails/s`);
    };
    for (const stage of stages) await RUN[stage]({ dovecot, workload, note });
    const whole = measured.find(({ name }) => name.startsWith(WHOLE_PATH));
    say(`\n${measurementTable(measured, whole ?? null)}`);
    if (whole) say(`\nshare: CPU time for each mail as a part of that of "${whole.name}"`);
  } finally {
    await dovecot.stop();
  }
}

async function retrieve(bench: Bench): Promise<void> {
  const { dovecot, workload, note } = bench;
  for (const protocol of ['pop3', 'imap'] as const) {
    for (const security of ['none', 'tls'] as const) {
      const name = `retrieve: ${protocol.toUpperCase()}${security === 'tls' ? ' over TLS' : ''}`;
      note(await measure(retrieval(dovecot, workload, { name, protocol, security })));
    }
    for (const peer of protocol === 'pop3' ? [MPOP, FETCHMAIL] : [MBSYNC]) {
      if (!isInstalled(peer)) continue;
      const label = `  ${peer.name} over ${protocol.toUpperCase()}`;
      const others = () => [{ group: dovecot.processGroup() }];
      note(await measurePeer(peer, workload, { label, port: dovecot.ports[protocol], others }));
    }
  }
}

async function parse({ workload, note }: Bench): Promise<void> {
  note(await measureParsing(workload));
  await measureParsers(workload, note);
}

async function whole({ dovecot, workload, note }: Bench): Promise<void> {
  for (const protocol of ['pop3', 'imap'] as const) {
    note(await measureWholePath(dovecot, workload, protocol));
  }
}

function readCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= 100_000) return count;
  throw new RangeError(`Cannot bench --count "${text}": give a whole number from 1 to 100000`);
}

function readStages(given: readonly string[]): readonly Stage[] {
  const unknown = given.find((name) => !STAGES.some((stage) => stage === name));
  if (unknown !== undefined) {
    throw new RangeError(`Cannot bench --stage "${unknown}": give one of ${STAGES.join(', ')}`);
  }
  return given.length === 0 ? STAGES : STAGES.filter((stage) => given.includes(stage));
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
