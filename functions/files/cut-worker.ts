import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { readAttachments } from '../poll/parse/parse-message.ts';
import type { CutOrder, CutReply } from './cut-protocol.ts';

// The thread that `cutter.ts` starts. Whatever goes wrong here ends the thread, and with it the order.
if (parentPort === null) throw new Error('Cannot run the cutting thread as a program: the cutter starts it');
const port = parentPort;

port.on('message', (order: CutOrder) => {
  void answer(order);
});
port.postMessage({ kind: 'ready' } satisfies CutReply);

async function answer({ raw, wanted }: CutOrder): Promise<void> {
  const files = new Map(wanted.map(({ id, path }) => [id, openSync(path, 'wx', 0o600)]));
  try {
    const attachments = await readAttachments(Buffer.from(raw), (id) => {
      const file = files.get(id);
      return file === undefined ? null : writerOf(file);
    });
    const found = attachments
      .filter(({ id }) => files.has(id))
      .map(({ id, size, sha256 }) => ({ id, size, sha256 }));
    port.postMessage({ kind: 'cut', found } satisfies CutReply);
  } finally {
    for (const file of files.values()) closeSync(file);
  }
}

/** Writing at once keeps nothing in memory, however large the attachment is. */
function writerOf(file: number): (bytes: Buffer) => void {
  ftruncateSync(file, 0);
  let position = 0;
  return (bytes) => {
    for (let at = 0; at < bytes.length; ) {
      const written = writeSync(file, bytes, at, bytes.length - at, position);
      at += written;
      position += written;
    }
  };
}
