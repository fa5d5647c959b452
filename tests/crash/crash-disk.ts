import files, { type FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Trace } from './crash-trace.ts';

/**
 * Puts the trace around what the embedded adapters do to the disk: the files of blobs step by step, and each COMMIT.
 * Below the ports, because a blob can be cut off in the middle, and to be killed right after a commit that nobody has
 * heard of yet is another crash than to be killed after the port answered. Once per process.
 */
export function traceDisk(trace: Trace): void {
  traceFiles(trace);
  traceCommits(trace);
}

function traceFiles(trace: Trace): void {
  const { open } = files;
  const tracedOpen: typeof open = async (path, flags, mode) => {
    if (flags !== 'wx') return await open(path, flags, mode);
    const file = await trace.around('pack.begin', [], () => open(path, flags, mode));
    const sync = file.datasync.bind(file);
    file.datasync = () => trace.around('pack.sync', [], sync);
    file.writev = ((buffers: readonly Uint8Array[], position: number) =>
      trace.around('pack.write', [], (during) => writeInHalves(file, buffers, position, during))) as never;
    return file;
  };
  files.open = tracedOpen;
  // Modules that imported the function by name call this one from now on.
  syncBuiltinESMExports();
}

/** A write is not one step to the system: what a crash leaves of it may end anywhere. */
async function writeInHalves(
  file: FileHandle,
  buffers: readonly Uint8Array[],
  position: number,
  during: () => void,
): Promise<{ bytesWritten: number; buffers: readonly Uint8Array[] }> {
  const bytes = Buffer.concat(buffers);
  const half = bytes.length >> 1;
  await file.write(bytes, 0, half, position);
  during();
  await file.write(bytes, half, bytes.length - half, position + half);
  return { bytesWritten: bytes.length, buffers };
}

function traceCommits(trace: Trace): void {
  const { run } = StatementSync.prototype;
  StatementSync.prototype.run = function (this: StatementSync, ...args: Parameters<typeof run>) {
    const take = () => run.apply(this, args);
    return this.sourceSQL === 'COMMIT' ? trace.sync('sqlite.commit', take) : take();
  } as typeof run;
  const { exec } = DatabaseSync.prototype;
  DatabaseSync.prototype.exec = function (this: DatabaseSync, sql) {
    const take = () => exec.call(this, sql);
    return sql === 'COMMIT' ? trace.sync('sqlite.commit', take) : take();
  };
}
