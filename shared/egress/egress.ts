import type { LookupFunction } from 'node:net';

/** `public`: https and public addresses only. `private-ok`: also http, loopback and private ranges. Link-local never. */
export type EgressPolicy = 'public' | 'private-ok';

/** An address or a URL that may not be contacted. The message says why, in one line. */
export class EgressError extends Error {
  override readonly name = 'EgressError';
  readonly code = 'EGRESS_BLOCKED';
}

/** The one guard for webhook URLs and mail hosts, at save, test and connect. */
export interface Egress {
  /** Reads and checks the form of a webhook URL, without a network; throws EgressError. */
  checkUrl(url: string): URL;
  /** Checks the form of a mail host (a name or an IP literal), without a network; throws EgressError. */
  checkHost(host: string): void;
  /** All addresses of a host, each of them allowed; throws EgressError when any is not, or the resolver's error. */
  resolve(host: string): Promise<readonly { readonly address: string; readonly family: 4 | 6 }[]>;
  /** `resolve` in the shape that sockets ask for: the address that was checked is the one connected to. */
  readonly lookup: LookupFunction;
}
