// Runs a proxy that adds a round trip, in a process of its own: it must not wait for the client that is measured.
// Arguments: the port of the server, the round trip in ms. Tells its parent the port it listens on.
import { startByteProxy } from '../support/byte-proxy.ts';

const [port, rttMs] = process.argv.slice(2).map(Number);
if (port === undefined || rttMs === undefined)
  throw new Error('Cannot proxy without a port and a round trip');
const proxy = await startByteProxy({ target: { host: '127.0.0.1', port }, rttMs });
process.on('disconnect', () => process.exit(0));
process.send?.({ port: proxy.port });
