import { describe, expect, it } from 'vitest';
import { createEgress } from '../../../shared/egress/create-egress.ts';
import { EgressError } from '../../../shared/egress/egress.ts';

const answering =
  (...addresses: readonly string[]) =>
  async () =>
    addresses;
const publicEgress = createEgress({ policy: 'public', resolver: answering('8.8.8.8') });
const privateEgress = createEgress({ policy: 'private-ok', resolver: answering('127.0.0.1') });

describe('checkUrl() under the public policy', () => {
  it.each([
    ['http://hooks.example.com/', 'use https:'],
    ['file:///proc/self/environ', 'use https:'],
    ['ftp://hooks.example.com/', 'use https:'],
    ['https://127.0.0.1/', 'loopback'],
    ['https://0x7f.1/', 'loopback'],
    ['https://2130706433/', 'loopback'],
    ['https://017700000001/', 'loopback'],
    ['https://169.254.169.254/latest/meta-data/', 'metadata'],
    ['https://10.0.0.1/', 'private'],
    ['https://[::ffff:127.0.0.1]/', 'IPv6'],
    ['https://[::127.0.0.1]/', 'IPv6'],
    ['https://[2606:4700::1111]/', 'IPv6'],
    ['https://localhost/', 'without a dot'],
    ['https://localhost./', 'without a dot'],
    ['https://intranet/', 'without a dot'],
    ['https://app.localhost/', 'not public'],
    ['https://printer.local/', 'not public'],
    ['https://printer.local./', 'not public'],
    ['https://metadata.google.internal/', 'not public'],
    ['https://METADATA.google.INTERNAL/', 'not public'],
    ['https://hooks.example.com:80/', 'port 80'],
    ['https://hooks.example.com:22/', 'port 22'],
    ['https://hooks.example.com:1023/', 'port 1023'],
    ['https://user@hooks.example.com/', '--header'],
    ['https://user:secret@hooks.example.com/', '--header'],
    ['https://hooks.example.com/\nx', 'Not a URL'],
    [' https://hooks.example.com/', 'Not a URL'],
    ['hooks.example.com', 'Not a URL'],
    ['https://exa$mple.com/', 'not a host name'],
    [`https://${'a'.repeat(64)}.example.com/`, 'not a host name'],
    [`https://${'a.'.repeat(130)}com/`, 'not a host name'],
    [`https://hooks.example.com/${'a'.repeat(2_048)}`, 'Not a URL'],
  ])('refuses %s', (url, reason) => {
    expect(() => publicEgress.checkUrl(url)).toThrow(EgressError);
    expect(() => publicEgress.checkUrl(url)).toThrow(reason);
  });

  it.each([
    'https://hooks.example.com/path?token=1',
    'https://hooks.example.com:8443/',
    'https://hooks.example.com:1024/',
    'https://hooks.example.com./',
    'https://bücher.example/',
    'https://8.8.8.8/',
    'https://localhost.example.com/',
  ])('takes %s', (url) => {
    expect(publicEgress.checkUrl(url)).toBeInstanceOf(URL);
  });

  it('says neither password nor path of a URL that it refuses', () => {
    expect(() => publicEgress.checkUrl('https://user:hunter2@hooks.example.com/token')).toThrow(
      expect.not.stringMatching(/hunter2|token/),
    );
  });

  it('drops the fragment, which is never sent', () => {
    expect(publicEgress.checkUrl('https://hooks.example.com/a#b').href).toBe('https://hooks.example.com/a');
  });
});

describe('checkUrl() under the private-ok policy', () => {
  it.each([
    ...['http://localhost:5678/webhook', 'http://n8n:5678/', 'http://n8n_main/', 'http://127.0.0.1:80/'],
    ...[
      'http://[::1]:3000/',
      'http://192.168.1.10/',
      'http://printer.local/',
      'https://hooks.example.com:22/',
    ],
    'http://host.docker.internal:3000/',
  ])('takes %s', (url) => {
    expect(privateEgress.checkUrl(url)).toBeInstanceOf(URL);
  });

  it.each([
    ...['http://169.254.169.254/', 'http://0xa9fea9fe/', 'http://[fe80::1]/', 'http://[fd00:ec2::254]/'],
    ...['http://[::ffff:169.254.169.254]/', 'http://[64:ff9b::a9fe:a9fe]/', 'http://[::a9fe:a9fe]/'],
    ...['http://0.0.0.0/', 'http://0/', 'http://[::]/', 'http://224.0.0.1/', 'http://255.255.255.255/'],
    ...['http://168.63.129.16/', 'http://100.100.100.200/', 'http://localhost:0/', 'file:///etc/passwd'],
    'http://user@localhost/',
  ])('refuses %s', (url) => {
    expect(() => privateEgress.checkUrl(url)).toThrow(EgressError);
  });
});

describe('ranges that the operator adds', () => {
  const egressWith = (allow: readonly string[], ...answers: readonly string[]) =>
    createEgress({ policy: 'public', allow, resolver: answering(...answers) });

  it('open what they name and nothing else', async () => {
    const egress = egressWith(['10.0.0.0/8'], '10.1.2.3');
    expect(await egress.resolve('hooks.corp.internal')).toEqual([{ address: '10.1.2.3', family: 4 }]);
    expect(egress.checkUrl('http://10.1.2.3:8080/').port).toBe('8080');
    expect(egress.checkUrl('https://hooks.corp.internal/').hostname).toBe('hooks.corp.internal');
    expect(() => egress.checkUrl('http://10.1.2.3:22/')).toThrow('port 22');
    expect(() => egress.checkUrl('https://192.168.0.1/')).toThrow(EgressError);
    expect(() => egress.checkUrl('http://hooks.example.com/')).toThrow('use https:');
  });

  it('open loopback only where they name it', async () => {
    await expect(egressWith(['0.0.0.0/0', '::/0'], '127.0.0.1').resolve('a.example')).rejects.toThrow(
      EgressError,
    );
    await expect(egressWith(['::/0'], '::1').resolve('a.example')).rejects.toThrow(EgressError);
    expect(await egressWith(['127.0.0.1/32'], '127.0.0.1').resolve('a.example')).toHaveLength(1);
    await expect(egressWith(['127.0.0.1/32'], '127.0.0.2').resolve('a.example')).rejects.toThrow(EgressError);
    expect(egressWith(['::1']).checkUrl('http://[::1]:8080/').hostname).toBe('[::1]');
  });

  it.each([
    '169.254.169.254',
    'fd00:ec2::254',
    'fe80::1',
    '0.0.0.0',
    '64:ff9b::a9fe:a9fe',
    '::ffff:169.254.169.254',
  ])('never open %s', async (address) => {
    const egress = egressWith(['0.0.0.0/0', '::/0', address], address);
    await expect(egress.resolve('a.example')).rejects.toThrow(EgressError);
  });

  it('are refused when they are no ranges', () => {
    expect(() => createEgress({ policy: 'public', allow: ['10.0.0.0/99'] })).toThrow(RangeError);
  });
});

describe('checkHost()', () => {
  it.each(['imap.example.com', 'imap.example.com.', 'bücher.example', 'mail', '8.8.8.8', '2606:4700::1111'])(
    'takes the mail host %s under the public policy',
    (host) => {
      expect(() => publicEgress.checkHost(host)).not.toThrow();
    },
  );

  it.each([
    '127.0.0.1',
    '0x7f.1',
    '10.0.0.1',
    '::1',
    'fe80::1%eth0',
    '',
    'a b',
    'a/b',
    'user@host',
    '[::1]',
    'a\0b',
  ])('refuses the mail host "%s" under the public policy', (host) => {
    expect(() => publicEgress.checkHost(host)).toThrow(EgressError);
  });

  it('takes loopback and private hosts under the private-ok policy, never metadata', () => {
    for (const host of ['localhost', '127.0.0.1', '::1', '10.0.0.1']) privateEgress.checkHost(host);
    expect(() => privateEgress.checkHost('169.254.169.254')).toThrow(EgressError);
  });
});
