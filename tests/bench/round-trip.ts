import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Dovecot } from '../support/dovecot.ts';
import { type Measurement, measure, type Processes } from './measure.ts';
import { FETCHMAIL, isInstalled, MBSYNC, MPOP, measurePeer } from './peers.ts';
import { retrieval } from './retrieve.ts';
import { deliverWorkload } from './workload.ts';

/** A server on the other side of an ocean. */
const RTT_MS = 40;
/** Few enough that a client which waits for each answer is done within half a minute. */
const MAILS = 200;

/** Retrieval of some mails through proxies that add a round trip of 40 ms; each is handed to `note` as it comes. */
export async function measureRoundTrips(
  dovecot: Dovecot,
  user: { readonly name: string; readonly password: string },
  note: (measurement: Measurement) => void,
): Promise<void> {
  const workload = await deliverWorkload(dovecot, user, MAILS);
  for (const protocol of ['pop3', 'imap'] as const) {
    const far = await startFarProxy(dovecot.ports[protocol]);
    const others = (): Processes[] => [{ group: dovecot.processGroup() }, { pid: far.pid }];
    const name = `${RTT_MS} ms away: ${protocol.toUpperCase()}`;
    const work = retrieval(dovecot, workload, { name, protocol, security: 'none', port: far.port });
    note(await measure({ ...work, others }));
    for (const peer of protocol === 'pop3' ? [MPOP, FETCHMAIL] : [MBSYNC]) {
      if (!isInstalled(peer)) continue;
      const label = `  ${peer.name}, ${RTT_MS} ms away`;
      note(await measurePeer(peer, workload, { label, port: far.port, others, runs: 1, warmUps: 0 }));
    }
    await far.stop();
  }
}

async function startFarProxy(
  serverPort: number,
): Promise<{ port: number; pid: number; stop: () => Promise<void> }> {
  const path = fileURLToPath(new URL('./far-proxy.ts', import.meta.url));
  const child = fork(path, [String(serverPort), String(RTT_MS)]);
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  return {
    port,
    pid: child.pid ?? 0,
    async stop() {
      const exited = once(child, 'exit');
      child.disconnect();
      await exited;
    },
  };
}
