import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import Pop3Client from 'node-pop3';
import { describe, expect, it } from 'vitest';
import { dial } from '../../../../../functions/poll/mail/pop3/dial.ts';
import { selfSigned } from '../../../../support/tls-certificate.ts';
import { cleanUpAfterEach, loginTo, scripted } from './pop3-support.ts';

cleanUpAfterEach();

const PACKAGE = new URL('../../../../../node_modules/node-pop3/package.json', import.meta.url);

function clientFor(port: number, tls: boolean): Pop3Client {
  return new Pop3Client({ user: '', password: '', host: '127.0.0.1', port, tls, servername: 'localhost' });
}

describe('node-pop3, as far as the dialer leans on it', () => {
  it('is the version that was read', () => {
    expect(JSON.parse(readFileSync(PACKAGE, 'utf8')).version).toBe('0.11.0');
  });

  it.each([false, true])(
    'connect() makes its socket at once, with one data listener of its own (tls: %s)',
    async (tls) => {
      const server = await scripted([]);
      const client = clientFor(server.port, tls);
      const dialing = client.connect();
      const socket = client._socket;
      expect(socket).toBeInstanceOf(tls ? TLSSocket : Socket);
      expect(socket?.listenerCount('data')).toBe(1);
      expect(socket?.listenerCount('error')).toBeGreaterThan(0);
      socket?.destroy();
      await expect(dialing).rejects.toThrow('close');
    },
  );

  it('connect() sends nothing of its own, and without its data listener says nothing about the greeting', async () => {
    const server = await scripted([{ send: ['-ERR too many connections\r\n'] }, { end: 'fin' }]);
    const client = clientFor(server.port, false);
    const dialing = client.connect();
    const socket = client._socket;
    expect(socket).not.toBeNull();
    socket?.removeAllListeners('data');
    const seen: Buffer[] = [];
    socket?.on('data', (bytes: Buffer) => seen.push(bytes));
    await expect(dialing).rejects.toThrow('end');
    expect(Buffer.concat(seen).toString()).toBe('-ERR too many connections\r\n');
    expect(server.received).toEqual([]);
  });

  it('dial() hands over a socket without listeners for its bytes, whose late errors are heard', async () => {
    const server = await scripted([]);
    const socket = await dial(loginTo(server.port), '127.0.0.1');
    expect(socket.listenerCount('data')).toBe(0);
    await once(socket, 'connect');
    socket.destroy(new Error('late'));
    // Not once(): that would listen for errors itself.
    await new Promise<void>((resolve) => {
      socket.on('close', () => resolve());
    });
  });

  it('dial() verifies the certificate for the host, not for the address it connects to', async () => {
    const server = await scripted([], selfSigned);
    const change = { security: 'tls', host: 'LocalHost.', caPem: selfSigned.caPem } as const;
    const socket = await dial(loginTo(server.port, change), '127.0.0.1');
    await once(socket, 'secureConnect');
    expect(socket).toMatchObject({ authorized: true, servername: 'localhost' });
    socket.destroy();
    const byAddress = await dial(loginTo(server.port, { ...change, host: '127.0.0.1' }), '127.0.0.1');
    await once(byAddress, 'secureConnect');
    // RFC 6066 section 3: an address is no server name.
    expect(byAddress).toMatchObject({ authorized: true, servername: false });
    byAddress.destroy();
    const other = await dial(loginTo(server.port, { ...change, host: 'mail.test' }), '127.0.0.1');
    const [error] = await once(other, 'error');
    expect(error).toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  });
});
