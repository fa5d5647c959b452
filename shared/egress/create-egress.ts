import { isIP, type LookupFunction } from 'node:net';
import { domainToASCII } from 'node:url';
import {
  type AddressClass,
  type Cidr,
  classifyAddress,
  inCidr,
  isLoopbackCidr,
  parseCidr,
} from './address.ts';
import { type Egress, EgressError, type EgressPolicy } from './egress.ts';
import { dnsError, dnsResolver, type ResolveHost, systemResolver, withDeadline } from './resolvers.ts';

/** A longer URL is refused: some servers take no longer request line. */
const MAX_URL_CHARS = 2_048;
/** RFC 1035 section 2.3.4. */
const MAX_NAME_CHARS = 253;
/** Letters, digits, hyphens, and the underscores of container names; at most 63 a label. */
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
/** What a name before its conversion to A-labels (RFC 5890) may hold. */
const HOST_CHARS = /^[\p{L}\p{M}\p{N}._-]+$/u;
const LOCAL_SUFFIX = /(?:^|\.)(?:localhost|local|internal)$/;

const ALLOWED: Readonly<Record<EgressPolicy, readonly AddressClass[]>> = {
  public: ['public'],
  'private-ok': ['public', 'private', 'loopback'],
};

/** What the guard lets through, and how it finds addresses. */
interface EgressOptions {
  readonly policy: EgressPolicy;
  /**
   * Ranges (CIDR) that the operator adds to the policy. Loopback only by a range within it: `0.0.0.0/0` adds none. Link-local
   * and metadata addresses cannot be added. A literal address in such a range may be contacted over http, and with any
   * range here local names are accepted, since private receivers have such names. @default []
   */
  readonly allow?: readonly string[];
  /** Finds the addresses of a name. @default the machine's lookup for `private-ok`, DNS servers for `public` */
  readonly resolver?: ResolveHost;
}

/** The guard of this policy. Throws RangeError when a range to allow is not one. */
export function createEgress(options: EgressOptions): Egress {
  const isAllowed = addressRule(options.policy, (options.allow ?? []).map(parseRange));
  const open = options.policy === 'private-ok';
  const localNames = open || (options.allow ?? []).length > 0;
  const resolveName = withDeadline(options.resolver ?? (open ? systemResolver() : dnsResolver()));

  function checkAddress(address: string, host: string): void {
    if (!isAllowed(address)) throw refusal(host, describe(classifyAddress(address), options.policy));
  }

  function checkUrl(text: string): URL {
    const url = parseUrl(text);
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const family = isIP(host);
    const named = family !== 0 && !ALLOWED[options.policy].includes(classifyAddress(host)) && isAllowed(host);
    if (url.protocol !== 'https:' && !((open || named) && url.protocol === 'http:')) {
      throw refusal(host, `"${url.protocol}" is not allowed, use https:`);
    }
    if (family === 6 && !open && !named) throw refusal(host, 'IPv6 literals are not allowed, use a name');
    if (family === 0) checkName(host, localNames);
    else checkAddress(host, host);
    checkPort(url, host, open);
    return url;
  }

  function checkHost(text: string): void {
    // Only what can be a name is converted: the conversion stops at a slash, and makes an address of `0x7f.1`.
    const host = HOST_CHARS.test(text) ? domainToASCII(text) || text : text;
    if (isIP(host) === 0) checkName(host, true);
    else checkAddress(host, text);
  }

  async function resolve(host: string) {
    const addresses = isIP(host) === 0 ? await resolveName(host) : [host];
    if (addresses.length === 0) throw dnsError('ENOTFOUND', `No address found for "${host}"`);
    // One bad answer refuses them all: a name that is half private is no name to trust.
    for (const address of addresses) checkAddress(address, host);
    return addresses.map((address) => ({
      address,
      family: isIP(address) === 4 ? (4 as const) : (6 as const),
    }));
  }
  return { checkUrl, checkHost, resolve, lookup: lookupOf(resolve) };
}

/** The shape that sockets ask for; they connect to what it answers, without resolving again. */
function lookupOf(resolve: Egress['resolve']): LookupFunction {
  return (host, options, callback) => {
    const wanted = options.family === 'IPv4' ? 4 : options.family === 'IPv6' ? 6 : (options.family ?? 0);
    resolve(host).then(
      (found) => {
        const answers = found.filter(({ family }) => wanted === 0 || family === wanted);
        const [first] = answers;
        // On the next tick, so that what the socket throws is not swallowed by this promise.
        if (first === undefined) {
          const error = dnsError('ENOTFOUND', `No IPv${wanted} address found for "${host}"`);
          process.nextTick(callback, error, '', 0);
        } else if (options.all) process.nextTick(callback, null, answers);
        else process.nextTick(callback, null, first.address, first.family);
      },
      (error: unknown) => process.nextTick(callback, error, '', 0),
    );
  };
}

function addressRule(policy: EgressPolicy, added: readonly Cidr[]): (address: string) => boolean {
  return (address) => {
    const found = classifyAddress(address);
    if (ALLOWED[policy].includes(found)) return true;
    if (found === 'forbidden') return false;
    return added.some((cidr) => inCidr(cidr, address) && (found !== 'loopback' || isLoopbackCidr(cidr)));
  };
}

function parseRange(text: string): Cidr {
  const cidr = parseCidr(text.trim());
  if (cidr === null) throw new RangeError(`Not a range of addresses: "${text}"; write one as 10.0.0.0/8`);
  return cidr;
}

function parseUrl(text: string): URL {
  // The parser would drop tabs and line breaks without a word.
  const url = text.length <= MAX_URL_CHARS && !/[\s\p{Cc}]/u.test(text) ? URL.parse(text) : null;
  if (url === null) {
    throw new EgressError(
      `Not a URL of at most ${MAX_URL_CHARS} characters without blanks; write it as https://host/path`,
    );
  }
  if (url.username !== '' || url.password !== '') {
    const advice = "put them in a header, --header 'Authorization: Basic …'";
    throw refusal(url.hostname, `the URL holds a user name or password; ${advice}`);
  }
  url.hash = '';
  return url;
}

function checkName(host: string, localNames: boolean): void {
  const name = host.replace(/\.$/, '').toLowerCase();
  const labels = name.split('.');
  if (name.length > MAX_NAME_CHARS || !labels.every((label) => LABEL.test(label))) {
    throw refusal(host.slice(0, MAX_NAME_CHARS), 'it is not a host name');
  }
  if (localNames) return;
  if (labels.length === 1) throw refusal(host, 'a name without a dot is not public');
  if (LOCAL_SUFFIX.test(name))
    throw refusal(host, 'names that end in localhost, local or internal are not public');
}

function checkPort(url: URL, host: string, anyPort: boolean): void {
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  if (anyPort ? port > 0 : port === 443 || port >= 1_024) return;
  throw refusal(host, `port ${port} is not allowed${anyPort ? '' : ', use 443 or 1024 to 65535'}`);
}

/** Says what is wrong without saying which address a name resolved to: that would map a network for a stranger. */
function describe(found: AddressClass, policy: EgressPolicy): string {
  return found === 'forbidden'
    ? 'its address is link-local, a metadata service or otherwise never contacted'
    : `its address is ${found}, which the egress policy "${policy}" allows only where the operator adds its range`;
}

function refusal(host: string, reason: string): EgressError {
  return new EgressError(`Cannot contact "${host}": ${reason}`);
}
