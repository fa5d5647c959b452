/**
 * What is wrong with the data folder: another process holds it (`locked`), its path is taken by something else
 * (`not-a-folder`), it cannot be made where it is to be (`no-place`), it may not be read or written (`no-access`), its lock file
 * is not one (`lock-file`), the database is damaged (`corrupt`), not ours (`foreign`) or of a later mailhook (`newer-version`),
 * the key file is missing, damaged or open to others (`key-file`), the disk is full (`disk-full`), or the machine failed in
 * another way (`io`).
 */
export type EmbeddedErrorCode =
  | 'locked'
  | 'not-a-folder'
  | 'no-place'
  | 'no-access'
  | 'lock-file'
  | 'corrupt'
  | 'foreign'
  | 'newer-version'
  | 'key-file'
  | 'disk-full'
  | 'io';

/** The data folder cannot be used. The message is one line: what is wrong and what to do. */
export class EmbeddedError extends Error {
  override readonly name = 'EmbeddedError';
  readonly code: EmbeddedErrorCode;

  constructor(code: EmbeddedErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
  }
}

/** The `code` of a system error; null when it has none. */
export function systemCode(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}

/** The primary SQLite result code (`sqlite.org/rescode.html`) of an error of node:sqlite; null of any other. */
function sqliteCode(error: unknown): number | null {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return null;
  return error.errcode & 0xff;
}

/** Whether SQLite found something that is no database of its own, or a broken one. */
export function isNoDatabase(error: unknown): boolean {
  return BY_SQLITE_CODE[sqliteCode(error) ?? -1] === 'corrupt';
}

const BY_SYSTEM_CODE: Readonly<Record<string, EmbeddedErrorCode>> = {
  EACCES: 'no-access',
  EPERM: 'no-access',
  EROFS: 'no-access',
  ENOTDIR: 'not-a-folder',
  EEXIST: 'not-a-folder',
  ENOENT: 'no-place',
  ENOSPC: 'disk-full',
  EDQUOT: 'disk-full',
};

const BY_SQLITE_CODE: Readonly<Record<number, EmbeddedErrorCode>> = {
  3: 'no-access', // SQLITE_PERM
  5: 'locked', // SQLITE_BUSY
  8: 'no-access', // SQLITE_READONLY
  11: 'corrupt', // SQLITE_CORRUPT
  13: 'disk-full', // SQLITE_FULL
  14: 'no-access', // SQLITE_CANTOPEN
  26: 'corrupt', // SQLITE_NOTADB
};

const ADVICE: Readonly<Record<EmbeddedErrorCode, string>> = {
  locked: 'another mailhook uses it: stop that one, or choose another folder with MAILHOOK_DATA',
  'not-a-folder': 'it, or a part of its path, is not a folder: choose another one with MAILHOOK_DATA',
  'no-place': 'it cannot be made there: choose another one with MAILHOOK_DATA',
  'no-access': 'it cannot be read and written: give the user that runs mailhook access to it',
  'lock-file': 'its file "lock" has something in it, which mailhook never writes: remove that file',
  corrupt: 'its database is damaged: restore the folder from a backup',
  foreign: 'its mailhook.db belongs to another program: choose another folder with MAILHOOK_DATA',
  'newer-version': 'a later version of mailhook wrote it: update mailhook, or choose another folder',
  'key-file': 'its key file cannot be used',
  'disk-full': 'the disk is full: make room',
  io: 'the machine reports an error',
};

/** What an error of the system or of SQLite, met while the folder was opened, means for its user. */
export function embeddedErrorOf(error: unknown, folder: string): EmbeddedError {
  if (error instanceof EmbeddedError) return error;
  const code =
    BY_SYSTEM_CODE[systemCode(error) ?? ''] ?? BY_SQLITE_CODE[sqliteCode(error) ?? -1] ?? ('io' as const);
  const detail = code === 'io' ? ` (${firstLine(error)})` : '';
  return new EmbeddedError(code, folderMessage(folder, code) + detail, { cause: error });
}

/** `Cannot use the data folder "…": …` with what to do about it. */
export function folderMessage(folder: string, code: EmbeddedErrorCode): string {
  return `Cannot use the data folder "${folder.replace(/\p{C}/gu, '?')}": ${ADVICE[code]}`;
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';
}
