import { lookup, Resolver } from 'node:dns/promises';

/** All addresses of a host name, IPv4 and IPv6; rejects with the resolver's error (`code` is `ENOTFOUND`, `ETIMEOUT`, …). */
export type ResolveHost = (host: string) => Promise<readonly string[]>;

/** A name server gets 2 s per try, and two tries. */
const TRY_TIMEOUT_MS = 2_000;
const TRIES = 2;

/**
 * IPv4 addresses straight from DNS, by c-ares: it needs no thread, so slow names hold up nothing. It knows no hosts file,
 * no search domains and no mDNS, which the `public` policy has no use for.
 */
export function dnsResolver(): ResolveHost {
  const resolver = new Resolver({ timeout: TRY_TIMEOUT_MS, tries: TRIES });
  return (host) => resolver.resolve4(host);
}

/**
 * What the machine itself would connect to, by getaddrinfo: hosts file, container and search-domain names, mDNS. Each call
 * holds a thread of libuv's pool, and cannot be cancelled, so a name that is being looked up is never looked up twice.
 */
export function systemResolver(): ResolveHost {
  const pending = new Map<string, Promise<readonly string[]>>();
  return (host) => {
    const running = pending.get(host);
    if (running !== undefined) return running;
    const started = lookup(host, { all: true })
      .then((answers) => answers.map(({ address }) => address))
      .finally(() => pending.delete(host));
    pending.set(host, started);
    return started;
  };
}

/** Gives up waiting for a resolver after the time that its tries may take, with `ETIMEOUT`. */
export function withDeadline(resolveHost: ResolveHost): ResolveHost {
  return (host) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(dnsError('ETIMEOUT', `No answer from DNS for "${host}" within ${TRY_TIMEOUT_MS * TRIES} ms`));
      }, TRY_TIMEOUT_MS * TRIES);
      resolveHost(host)
        .then(resolve, reject)
        .finally(() => clearTimeout(timer));
    });
}

/** An error as resolvers give it. */
export function dnsError(code: 'ENOTFOUND' | 'ETIMEOUT', message: string): NodeJS.ErrnoException {
  return Object.assign(new Error(message), { code });
}
