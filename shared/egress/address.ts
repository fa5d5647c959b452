import { isIP } from 'node:net';

/**
 * What an address is to the egress guard. `forbidden` ones are never contacted: unspecified, link-local, metadata services,
 * multicast, broadcast, and IPv6 forms that carry an IPv4 address to hide behind. `reserved` ones belong to nobody.
 */
export type AddressClass = 'public' | 'private' | 'loopback' | 'reserved' | 'forbidden';

/** An address as 4 or 16 bytes. */
type Bytes = Uint8Array;

/** A range of addresses: all that share the first `bits` bits. */
export interface Cidr {
  readonly bytes: Bytes;
  readonly bits: number;
}

const FORBIDDEN = ranges(
  '0.0.0.0/8',
  '169.254.0.0/16',
  // Metadata and host services outside link-local: Azure, Alibaba, Oracle, AWS over IPv6, Google, Oracle, Scaleway.
  '168.63.129.16/32',
  '100.100.100.200/32',
  '192.0.0.192/32',
  'fd00:ec2::/32',
  'fd20:ce::254/128',
  'fd00:c1::a9fe:a9fe/128',
  'fd00:42::42/128',
  '224.0.0.0/4',
  '255.255.255.255/32',
  // All of it but loopback, mapped addresses and NAT64 (RFC 6052), which are looked at first.
  '::/8',
  'fe80::/10',
  'ff00::/8',
  // Teredo and 6to4 carry an IPv4 address (RFC 4380, RFC 3056).
  '2001::/32',
  '2002::/16',
);
const LOOPBACK = ranges('127.0.0.0/8', '::1/128');
/** RFC 1918 and 4193, carrier-grade NAT (RFC 6598, also used by overlay networks), and 198.18/15, used by local proxies. */
const PRIVATE = ranges(
  '10.0.0.0/8',
  '100.64.0.0/10',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '198.18.0.0/15',
  'fc00::/7',
);
/** IANA special-purpose registries (RFC 6890 and later); in IPv6 only the holes in 2000::/3, the rest being reserved anyway. */
const RESERVED = ranges(
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.175.48.0/24',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '240.0.0.0/4',
  '2001::/23',
  '2001:db8::/32',
  '2620:4f:8000::/48',
  '3fff::/20',
);
const GLOBAL_UNICAST = range('2000::/3');
const MAPPED = range('::ffff:0:0/96');
const NAT64 = range('64:ff9b::/96');

/** What this address is; `forbidden` for anything that is not an IP address, such as a name or a zone id. */
export function classifyAddress(address: string): AddressClass {
  const bytes = parseAddress(address);
  return bytes === null ? 'forbidden' : classify(bytes);
}

function classify(bytes: Bytes): AddressClass {
  if (bytes.length === 16) {
    const embedded = classifyEmbedded(bytes);
    if (embedded !== null) return embedded;
  }
  if (isIn(LOOPBACK, bytes)) return 'loopback';
  if (isIn(FORBIDDEN, bytes)) return 'forbidden';
  if (isIn(PRIVATE, bytes)) return 'private';
  if (isIn(RESERVED, bytes)) return 'reserved';
  return bytes.length === 4 || contains(GLOBAL_UNICAST, bytes) ? 'public' : 'reserved';
}

/** The class of an IPv6 address that stands for an IPv4 address; null when it does not. */
function classifyEmbedded(bytes: Bytes): AddressClass | null {
  const inner = () => classify(bytes.subarray(12));
  // The socket connects to the IPv4 address, so that one counts. A resolver has no reason to write a public one so.
  if (contains(MAPPED, bytes)) return inner() === 'public' ? 'reserved' : inner();
  // The network's translator connects, so only what is public there is not a way into the translator's own network.
  if (contains(NAT64, bytes)) return inner() === 'public' ? 'private' : 'forbidden';
  // ISATAP (RFC 5214): the interface id 0000:5efe or 0200:5efe, then the IPv4 address.
  const isatap =
    (bytes[8] === 0 || bytes[8] === 2) && bytes[9] === 0 && bytes[10] === 0x5e && bytes[11] === 0xfe;
  return isatap && inner() !== 'public' ? 'forbidden' : null;
}

/** Reads `10.0.0.0/8`, `fd00::/8` or a single address; null when it is neither. */
export function parseCidr(text: string): Cidr | null {
  const [address = '', prefix, ...rest] = text.split('/');
  const bytes = parseAddress(address);
  if (bytes === null || rest.length > 0) return null;
  const longest = bytes.length * 8;
  if (prefix === undefined) return { bytes, bits: longest };
  const bits = /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN;
  return bits <= longest ? { bytes, bits } : null;
}

/** Whether the address lies in the range. */
export function inCidr(cidr: Cidr, address: string): boolean {
  const bytes = parseAddress(address);
  return bytes !== null && contains(cidr, bytes);
}

/** Whether the whole range is loopback, and so names it. */
export function isLoopbackCidr(cidr: Cidr): boolean {
  return LOOPBACK.some((loopback) => cidr.bits >= loopback.bits && contains(loopback, cidr.bytes));
}

function range(text: string): Cidr {
  const cidr = parseCidr(text);
  if (cidr === null) throw new Error(`Not a range of addresses: "${text}"`);
  return cidr;
}

function ranges(...texts: readonly string[]): readonly Cidr[] {
  return texts.map(range);
}

function isIn(cidrs: readonly Cidr[], bytes: Bytes): boolean {
  return cidrs.some((cidr) => contains(cidr, bytes));
}

function contains(cidr: Cidr, bytes: Bytes): boolean {
  if (cidr.bytes.length !== bytes.length) return false;
  const whole = cidr.bits >> 3;
  for (let i = 0; i < whole; i++) if (cidr.bytes[i] !== bytes[i]) return false;
  const rest = cidr.bits & 7;
  return rest === 0 || ((cidr.bytes[whole] ?? 0) ^ (bytes[whole] ?? 0)) >> (8 - rest) === 0;
}

function parseAddress(text: string): Bytes | null {
  const version = isIP(text);
  if (version === 4) return Uint8Array.from(text.split('.'), Number);
  // A zone id (fe80::1%eth0) names an interface of this machine.
  if (version !== 6 || text.includes('%')) return null;
  const [head = '', tail = ''] = text.split('::');
  const right = parseGroups(tail);
  const bytes = new Uint8Array(16);
  bytes.set(parseGroups(head));
  bytes.set(right, 16 - right.length);
  return bytes;
}

/** The bytes of colon-separated groups, the last of which may be a dotted IPv4 address (RFC 4291 section 2.2). */
function parseGroups(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}
