import { BlockList, isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classifyAddress, inCidr, isLoopbackCidr, parseCidr } from '../../../shared/egress/address.ts';

const NOT_PUBLIC = [
  ...['0.0.0.0', '10.1.1.1', '100.64.0.1', '127.0.0.1', '169.254.169.254', '169.254.170.2', '172.31.0.1'],
  ...['192.168.0.1', '192.0.0.192', '198.18.0.1', '224.0.0.1', '255.255.255.255', '::', '::1', '::7f00:1'],
  ...['::127.0.0.1', '::a9fe:a9fe', '::ffff:127.0.0.1', '::ffff:a9fe:a9fe', '::ffff:8.8.8.8'],
  ...['::ffff:0:7f00:1', '::5efe:7f00:1', '64:ff9b::7f00:1', '64:ff9b::808:808', '64:ff9b:1::1', '100::1'],
  ...['100:0:0:1::1', '2001::1', '2001:db8::1', '2002:7f00:1::1', '2620:4f:8000::1', '3fff::1', '5f00::1'],
  ...['fc00::1', 'fd00:ec2::254', 'fe80::1', 'fe80::1%eth0', 'fec0::1', 'ff02::1', '4000::1', '1::1'],
  ...['localhost', ''],
];
const PUBLIC = [
  ...['1.1.1.1', '8.8.8.8', '52.95.110.1', '2606:4700::1111', '2600:1f18::1', '2001:4860:4860::8888'],
  '2a00:1450:4001::1',
];

const ipv4 = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255));
const dotted = ipv4.map((bytes) => bytes.join('.'));
const ipv6 = fc
  .array(fc.nat(0xffff), { minLength: 8, maxLength: 8 })
  .map((groups) => groups.map((group) => group.toString(16)).join(':'));
/** Two hex groups, as in the tail of an IPv6 address. */
const hexOf = (bytes: readonly number[]) =>
  `${((bytes[0] ?? 0) * 256 + (bytes[1] ?? 0)).toString(16)}:${((bytes[2] ?? 0) * 256 + (bytes[3] ?? 0)).toString(16)}`;

describe('classifyAddress()', () => {
  it.each(NOT_PUBLIC)('does not take "%s" for public', (address) => {
    expect(classifyAddress(address)).not.toBe('public');
  });

  it.each(PUBLIC)('takes %s for public', (address) => {
    expect(classifyAddress(address)).toBe('public');
  });

  it.each([
    ...['0.0.0.0', '0.1.2.3', '169.254.0.1', '169.254.169.254', '169.254.170.2', '168.63.129.16'],
    ...['100.100.100.200', '192.0.0.192', '224.0.0.1', '239.255.255.255', '255.255.255.255', '::', 'fe80::1'],
    ...['febf::1', 'fe80::1%lo', 'fd00:ec2::254', 'fd00:ec2::23', 'fd20:ce::254', 'fd00:42::42', 'ff02::1'],
    ...['::ffff:169.254.169.254', '::169.254.169.254', '::ffff:0:a9fe:a9fe', '::5efe:a9fe:a9fe'],
    ...['fd00::5efe:a9fe:a9fe', '2606::200:5efe:a00:1', '64:ff9b::a9fe:a9fe', '64:ff9b::a00:1'],
    ...[
      '64:ff9b:1::a9fe:a9fe',
      '2002:a9fe:a9fe::1',
      '2001:0:a9fe:a9fe::1',
      'not-an-address',
      '127.1',
      '[::1]',
    ],
  ])('takes %s for forbidden', (address) => {
    expect(classifyAddress(address)).toBe('forbidden');
  });

  it.each([
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['::1', 'loopback'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['10.0.0.1', 'private'],
    ['100.64.0.1', 'private'],
    ['172.16.0.1', 'private'],
    ['::ffff:192.168.1.1', 'private'],
    ['fd12:3456::1', 'private'],
    ['64:ff9b::8.8.8.8', 'private'],
    ['172.32.0.1', 'public'],
    ['192.0.2.1', 'reserved'],
    ['240.0.0.1', 'reserved'],
    ['::ffff:8.8.8.8', 'reserved'],
    ['fec0::1', 'reserved'],
    ['4000::1', 'reserved'],
  ])('takes %s for %s', (address, found) => {
    expect(classifyAddress(address)).toBe(found);
  });

  it('agrees with block lists of the same ranges on what is public, for any address', () => {
    const isPublic = referenceGuard();
    fc.assert(
      fc.property(
        fc.oneof(
          dotted,
          ipv6,
          ipv6.map((text) => text.replace(/^[^:]+/, '2001')),
        ),
        (address) => {
          expect(classifyAddress(address) === 'public').toBe(isPublic(address));
        },
      ),
      { numRuns: 5_000 },
    );
  });

  it('lets no IPv6 spelling of an IPv4 address reach more than the address itself may', () => {
    const spellings = fc.tuple(ipv4, fc.constantFrom('::ffff:', '::', '::ffff:0:', '64:ff9b::', '::5efe:'));
    fc.assert(
      fc.property(spellings, fc.boolean(), ([bytes, prefix], hex) => {
        const inner = classifyAddress(bytes.join('.'));
        const found = classifyAddress(prefix + (hex ? hexOf(bytes) : bytes.join('.')));
        expect(found).not.toBe('public');
        if (inner === 'forbidden') expect(found).toBe('forbidden');
        if (prefix !== '::ffff:' && found === 'private')
          expect([prefix, inner]).toEqual(['64:ff9b::', 'public']);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('parseCidr()', () => {
  it.each([
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0/8',
    '10.0.0.0/8/8',
    '::1/129',
    'example.com',
    '',
    '10.0.0.0/-1',
    '1.1.1.1/1e1',
  ])('refuses "%s"', (text) => {
    expect(parseCidr(text)).toBeNull();
  });

  it('contains what a block list of the same range contains', () => {
    const cidrs = fc.oneof(fc.tuple(dotted, fc.nat(32)), fc.tuple(ipv6, fc.nat(128)));
    fc.assert(
      fc.property(cidrs, fc.oneof(dotted, ipv6), fc.nat(127), ([base, bits], other, flip) => {
        const cidr = parseCidr(`${base}/${bits}`);
        if (cidr === null) throw new Error(`Not read: ${base}/${bits}`);
        const family = isIP(base) === 4 ? 'ipv4' : 'ipv6';
        const list = new BlockList();
        list.addSubnet(base, bits, family);
        expect(inCidr(cidr, base)).toBe(true);
        const near = isIP(base) === 4 ? flipBit(base, flip % 32) : base;
        expect(inCidr(cidr, near)).toBe(list.check(near, family));
        if (isIP(other) === isIP(base)) expect(inCidr(cidr, other)).toBe(list.check(other, family));
        else expect(inCidr(cidr, other)).toBe(false);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ['127.0.0.1', true],
    ['127.0.0.0/8', true],
    ['::1/128', true],
    ['0.0.0.0/0', false],
    ['126.0.0.0/7', false],
    ['::/0', false],
  ])('%s names loopback: %s', (text, named) => {
    const cidr = parseCidr(text);
    expect(cidr !== null && isLoopbackCidr(cidr)).toBe(named);
  });
});

function flipBit(address: string, bit: number): string {
  const bytes = address.split('.').map(Number);
  bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (7 - (bit & 7)));
  return bytes.join('.');
}

/** What is public by three block lists: every IPv4 address but these, and 2000::/3 but these. */
function referenceGuard(): (address: string) => boolean {
  const [deny4, unicast, deny6] = [new BlockList(), new BlockList(), new BlockList()];
  for (const text of [
    ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '168.63.129.16/32', '169.254.0.0/16'],
    ...['172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24', '192.31.196.0/24', '192.52.193.0/24'],
    ...['192.88.99.0/24', '192.168.0.0/16', '192.175.48.0/24', '198.18.0.0/15', '198.51.100.0/24'],
    ...['203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
  ]) {
    const [net = '', bits] = text.split('/');
    deny4.addSubnet(net, Number(bits), 'ipv4');
  }
  unicast.addSubnet('2000::', 3, 'ipv6');
  for (const text of ['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20']) {
    const [net = '', bits] = text.split('/');
    deny6.addSubnet(net, Number(bits), 'ipv6');
  }
  return (address) =>
    isIP(address) === 4
      ? !deny4.check(address, 'ipv4')
      : unicast.check(address, 'ipv6') && !deny6.check(address, 'ipv6');
}
