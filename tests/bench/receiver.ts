// A webhook receiver in a process of its own: takes every request and answers 204. Tells its parent its port, and when
// as many different messages have come as the parent said it waits for.
import { createServer } from 'node:http';

const seen = new Set<string>();
let wanted = Number.POSITIVE_INFINITY;

const server = createServer((request, response) => {
  request.resume().once('end', () => {
    response.writeHead(204).end();
    seen.add(String(request.headers['webhook-id']));
    tell();
  });
});

function tell(): void {
  if (seen.size < wanted) return;
  wanted = Number.POSITIVE_INFINITY;
  process.send?.({ received: seen.size });
}

process.on('message', (message: { readonly await: number }) => {
  seen.clear();
  wanted = message.await;
});
// Without a parent there is nobody to receive for.
process.on('disconnect', () => process.exit(0));

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address !== 'string') process.send?.({ port: address.port });
});
