import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type LookupFunction } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createEgress } from '../../../shared/egress/create-egress.ts';
import { EgressError } from '../../../shared/egress/egress.ts';

const answering =
  (...addresses: readonly string[]) =>
  async () =>
    addresses;

afterEach(() => {
  vi.useRealTimers();
});

describe('resolve()', () => {
  it('refuses a name with one bad answer among good ones', async () => {
    const egress = createEgress({ policy: 'public', resolver: answering('8.8.8.8', '127.0.0.1') });
    await expect(egress.resolve('a.example')).rejects.toMatchObject({ code: 'EGRESS_BLOCKED' });
  });

  it('does not say which address a refused name has', async () => {
    const egress = createEgress({ policy: 'public', resolver: answering('10.9.8.7') });
    await expect(egress.resolve('a.example')).rejects.toThrow(expect.not.stringContaining('10.9'));
  });

  it('judges each call by its own answers, so that rebinding gains nothing', async () => {
    let calls = 0;
    const egress = createEgress({
      policy: 'public',
      resolver: async () => [calls++ % 2 === 0 ? '8.8.8.8' : '169.254.169.254'],
    });
    expect(await egress.resolve('a.example')).toEqual([{ address: '8.8.8.8', family: 4 }]);
    await expect(egress.resolve('a.example')).rejects.toThrow(EgressError);
    expect(await egress.resolve('a.example')).toHaveLength(1);
  });

  it('passes the error of the resolver on, and takes no answer for ENOTFOUND', async () => {
    const failing = createEgress({
      policy: 'public',
      resolver: () => Promise.reject(Object.assign(new Error('refused'), { code: 'EREFUSED' })),
    });
    await expect(failing.resolve('a.example')).rejects.toMatchObject({ code: 'EREFUSED' });
    const empty = createEgress({ policy: 'public', resolver: answering() });
    await expect(empty.resolve('a.example')).rejects.toMatchObject({ code: 'ENOTFOUND' });
  });

  it('gives up on a resolver that never answers, after two tries of 2 s', async () => {
    vi.useFakeTimers();
    const egress = createEgress({ policy: 'public', resolver: () => new Promise(() => undefined) });
    const refused = expect(egress.resolve('a.example')).rejects.toMatchObject({ code: 'ETIMEOUT' });
    await vi.advanceTimersByTimeAsync(3_999);
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    await refused;
  });

  it('finds names of the hosts file under the private-ok policy', async () => {
    const egress = createEgress({ policy: 'private-ok' });
    expect(await egress.resolve('localhost')).toContainEqual({ address: '127.0.0.1', family: 4 });
  });

  it('lets through only public addresses under the public policy, whatever the answers', async () => {
    const octet = fc.nat(255);
    const answers = fc.array(
      fc.tuple(
        fc.constantFrom(10, 8, 127, 169, 172, 192, 52),
        fc.constantFrom(254, 168, 16, 1),
        octet,
        octet,
      ),
      { minLength: 1, maxLength: 4 },
    );
    await fc.assert(
      fc.asyncProperty(answers, async (tuples) => {
        const addresses = tuples.map((bytes) => bytes.join('.'));
        const egress = createEgress({ policy: 'public', resolver: answering(...addresses) });
        const bad = addresses.some((address) => /^(10|127|169\.254|172\.16|192\.168)\./.test(address));
        const found = egress.resolve('a.example');
        if (bad) await expect(found).rejects.toThrow(EgressError);
        else expect(await found).toHaveLength(addresses.length);
      }),
    );
  });
});

describe('lookup', () => {
  const call = (lookup: LookupFunction, options: object) =>
    new Promise<readonly unknown[]>((resolve) => {
      lookup('a.example', options, (...results) => resolve(results));
    });

  it('answers one address or all, and only of the family asked for', async () => {
    const { lookup } = createEgress({ policy: 'private-ok', resolver: answering('::1', '127.0.0.1') });
    expect(await call(lookup, {})).toEqual([null, '::1', 6]);
    expect(await call(lookup, { family: 4 })).toEqual([null, '127.0.0.1', 4]);
    expect(await call(lookup, { family: 'IPv4' })).toEqual([null, '127.0.0.1', 4]);
    expect(await call(lookup, { all: true, family: 6 })).toEqual([null, [{ address: '::1', family: 6 }]]);
    expect(await call(lookup, { all: true })).toHaveLength(2);
  });

  it('answers ENOTFOUND when there is none of the family, and EGRESS_BLOCKED when one is refused', async () => {
    const one = createEgress({ policy: 'private-ok', resolver: answering('127.0.0.1') });
    expect((await call(one.lookup, { family: 6 }))[0]).toMatchObject({ code: 'ENOTFOUND' });
    const bad = createEgress({ policy: 'private-ok', resolver: answering('127.0.0.1', '169.254.169.254') });
    expect((await call(bad.lookup, { family: 4 }))[0]).toMatchObject({ code: 'EGRESS_BLOCKED' });
  });

  it('guards a socket that is told to use it', async () => {
    const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    try {
      const open = createEgress({ policy: 'private-ok', resolver: answering('127.0.0.1') });
      const allowed = connect({ host: 'a.example', port, lookup: open.lookup }).resume();
      await once(allowed, 'close');
      const guarded = createEgress({ policy: 'public', resolver: answering('127.0.0.1') });
      const refused = connect({ host: 'a.example', port, lookup: guarded.lookup });
      await expect(once(refused, 'connect')).rejects.toMatchObject({ code: 'EGRESS_BLOCKED' });
    } finally {
      server.close();
    }
  });
});
