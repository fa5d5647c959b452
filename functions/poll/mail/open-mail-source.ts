import type { Egress } from '../../../shared/egress/egress.ts';
import type { OpenMailSource } from '../../../shared/ports/mail-source.ts';
import { openImapSource } from './imap/imap-source.ts';
import { openPop3Source } from './pop3/pop3-source.ts';

/** Opens sessions by the protocol of the login. */
export function openMailSource(egress: Egress): OpenMailSource {
  const sources = { imap: openImapSource(egress), pop3: openPop3Source(egress) };
  return (login, signal) => sources[login.protocol](login, signal);
}
