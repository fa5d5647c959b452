import { openImapSource } from '../../functions/poll/mail/imap/imap-source.ts';
import { openPop3Source } from '../../functions/poll/mail/pop3/pop3-source.ts';
import type { Security } from '../../shared/account.ts';
import { createEgress } from '../../shared/egress/create-egress.ts';
import type { Protocol } from '../../shared/identity.ts';
import type { OpenMailSource } from '../../shared/ports/mail-source.ts';
import type { Dovecot } from '../support/dovecot.ts';
import type { Work } from './measure.ts';
import type { Workload } from './workload.ts';

const SESSION_DEADLINE_MS = 300_000;
const MAX_SIZE_BYTES = 64 * 1024 * 1024;

/** One session that logs in, lists and fetches everything; `port` instead of the server's own for a proxy. */
export function retrieval(
  dovecot: Dovecot,
  workload: Workload,
  options: {
    readonly name: string;
    readonly protocol: Protocol;
    readonly security: Security;
    readonly port?: number;
  },
): Work {
  const egress = createEgress({ policy: 'private-ok' });
  const open: OpenMailSource = options.protocol === 'imap' ? openImapSource(egress) : openPop3Source(egress);
  return {
    name: options.name,
    mails: workload.mails.length,
    bytes: workload.bytes,
    others: () => [{ group: dovecot.processGroup() }],
    run: async () => {
      const login = {
        protocol: options.protocol,
        host: 'localhost',
        port: options.port ?? portOf(dovecot, options.protocol, options.security),
        security: options.security,
        username: workload.user,
        password: workload.password,
        caPem: dovecot.caPem,
        tlsAllowInvalidCertificate: false,
        readOnly: true,
      };
      const source = await open(login, AbortSignal.timeout(SESSION_DEADLINE_MS));
      const { items } = await source.list(options.protocol === 'imap' ? 'INBOX' : '', null);
      let bytes = 0;
      for await (const fetched of source.fetch(items, { maxSizeBytes: MAX_SIZE_BYTES })) {
        if (fetched.kind === 'raw') bytes += fetched.bytes.length;
      }
      await source.close('commit');
      if (bytes !== workload.bytes) {
        throw new Error(`Cannot measure "${options.name}": ${bytes} of ${workload.bytes} bytes arrived`);
      }
    },
  };
}

function portOf(dovecot: Dovecot, protocol: Protocol, security: Security): number {
  const { imap, imaps, pop3, pop3s } = dovecot.ports;
  if (protocol === 'imap') return security === 'tls' ? imaps : imap;
  return security === 'tls' ? pop3s : pop3;
}
