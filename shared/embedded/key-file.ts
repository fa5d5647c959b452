import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { Purpose } from '../ports/vault.ts';
import { EmbeddedError, systemCode } from './embedded-error.ts';
import { syncFolder } from './pack-files.ts';

/** One key for each purpose, 32 bytes. */
export type VaultKeys = Readonly<Record<Purpose, Buffer>>;

const KEY_BYTES = 32;
const FIRST_LINE = 'mailhook-keys-v1';
const PURPOSES: readonly Purpose[] = ['mailbox-credential', 'webhook-secret'];
/** The file has three short lines; what is longer is not it. */
const MAX_FILE_BYTES = 1_024;

/**
 * Reads the keys of a data folder; makes them where there are none yet and `mayCreate` says that nothing was sealed with
 * others. Throws EmbeddedError when the file is missing, damaged, or may be read by others.
 */
export function loadKeys(path: string, options: { readonly mayCreate: boolean }): VaultKeys {
  const text = readKeyFile(path);
  if (text !== null) return parseKeys(text, path);
  if (!options.mayCreate) {
    throw keyError(
      path,
      'is missing, and without it no stored password or secret opens: restore it from a backup',
    );
  }
  createKeyFile(path);
  return parseKeys(readKeyFile(path) ?? '', path);
}

/** The content; null when there is no file. */
function readKeyFile(path: string): string | null {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw error;
  }
  try {
    const { mode, size } = fstatSync(file);
    // Refused and not repaired: whoever could read it may have read it, and its owner should know. Windows has no such bits.
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw keyError(path, `may be read or changed by others: run chmod 600 on it`);
    }
    if (size > MAX_FILE_BYTES) throw keyError(path, 'is damaged: restore it from a backup');
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}

/** Whole or not at all: written beside and renamed. Nobody else does so at this time, the folder is locked. */
function createKeyFile(path: string): void {
  const lines = PURPOSES.map((purpose) => `${purpose} ${randomBytes(KEY_BYTES).toString('base64url')}`);
  const staged = `${path}.new`;
  rmSync(staged, { force: true });
  const file = openSync(staged, 'wx', 0o600);
  try {
    writeSync(file, `${[FIRST_LINE, ...lines].join('\n')}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(staged, path);
  syncFolder(dirname(path));
}

function parseKeys(text: string, path: string): VaultKeys {
  const [first, ...lines] = text.trimEnd().split('\n');
  const keys = new Map(lines.map((line) => line.split(' ', 2) as [string, string | undefined]));
  const key = (purpose: Purpose) => {
    const bytes = Buffer.from(keys.get(purpose) ?? '', 'base64url');
    if (first !== FIRST_LINE || bytes.length !== KEY_BYTES) {
      throw keyError(path, 'is damaged: restore it from a backup');
    }
    return bytes;
  };
  return { 'mailbox-credential': key('mailbox-credential'), 'webhook-secret': key('webhook-secret') };
}

function keyError(path: string, what: string): EmbeddedError {
  return new EmbeddedError('key-file', `The key file "${path.replace(/\p{C}/gu, '?')}" ${what}`);
}
