import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { EmbeddedError, type EmbeddedErrorCode } from '../../../shared/embedded/embedded-error.ts';
import { SCHEMA_VERSION } from '../../../shared/embedded/schema.ts';
import { Scene } from '../../contract/scene.ts';
import { startChild } from './child.ts';
import { expectConsistent } from './consistency.ts';
import { openInFolder, temporaryFolder } from './folders.ts';

/** The error that opening the folder ends with: one line that names what it is about. */
async function refusal(folder: string, about = folder): Promise<EmbeddedErrorCode> {
  const error = await openInFolder({ folder }).catch((cause: unknown) => cause);
  if (!(error instanceof EmbeddedError)) throw new Error(`No EmbeddedError: ${String(error)}`);
  expect(error.message).not.toContain('\n');
  expect(error.message).toContain(about);
  return error.code;
}

/** A folder with an account in it, not open. */
async function usedFolder(): Promise<string> {
  const opened = await openInFolder();
  const scene = new Scene(opened);
  const account = await scene.addAccount();
  await scene.commit(account, [(await scene.addWebhook()).id], 3);
  await opened.close();
  return opened.folder;
}

function changeDatabase(folder: string, sql: string): void {
  const database = new DatabaseSync(join(folder, 'mailhook.db'));
  database.exec(sql);
  database.close();
}

describe('openEmbedded()', () => {
  it('makes a folder that nobody else can look into', async () => {
    const folder = join(temporaryFolder(), 'deep', 'down');
    const { close } = await openInFolder({ folder });
    await close();
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o077).toBe(0);
  });

  it('finds everything again after a restart', async () => {
    const folder = await usedFolder();
    const { store, close } = await openInFolder({ folder });
    expect(await store.accountByName('ana')).toMatchObject({ username: 'ana' });
    expect((await store.counts()).deliveries.pending).toBe(3);
    await close();
    expectConsistent(folder);
  });

  it('remembers the last tick over a restart', async () => {
    const first = await openInFolder();
    await first.store.saveTick(first.clock.now());
    await first.store.saveTick(first.clock.advance(1_000));
    await first.close();
    const { store, close } = await openInFolder({ folder: first.folder });
    expect(await store.lastTick()).toEqual(first.clock.now());
    await close();
  });

  it('refuses a folder that another process uses, until that one is killed', async () => {
    const folder = temporaryFolder();
    const child = startChild('./holder-process.ts', folder);
    await child.lines[Symbol.asyncIterator]().next();
    expect(await refusal(folder)).toBe('locked');
    await child.kill();
    const { close } = await openInFolder({ folder });
    await close();
  });

  it('refuses a folder that this process uses already, and leaves that use alone', async () => {
    const opened = await openInFolder();
    expect(await refusal(opened.folder)).toBe('locked');
    expect(await refusal(opened.folder)).toBe('locked');
    const scene = new Scene(opened);
    await scene.addAccount();
    await opened.close();
    const { close } = await openInFolder({ folder: opened.folder });
    await close();
  });

  it('refuses a path that is a file, or below one', async () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, 'x');
    expect(await refusal(file)).toBe('not-a-folder');
    expect(await refusal(join(file, 'below'))).toBe('not-a-folder');
    expect(readFileSync(file, 'utf8')).toBe('x');
  });

  it('refuses a link to nowhere', async () => {
    const link = join(temporaryFolder(), 'link');
    symlinkSync('/does/not/exist', link);
    expect(['not-a-folder', 'no-access', 'io']).toContain(await refusal(link));
  });

  it('refuses a folder that it may not write to', async () => {
    const folder = temporaryFolder();
    chmodSync(folder, 0o555);
    // Root may write anywhere, so there the folder belongs to root and somebody else asks.
    expect(await asNobody(() => refusal(folder))).toBe('no-access');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('refuses a folder that it may not read', async () => {
    const folder = await usedFolder();
    chmodSync(folder, 0o000);
    const code = await asNobody(() => refusal(folder));
    chmodSync(folder, 0o700);
    expect(code).toBe('no-access');
  });

  it.each([
    ['is not a database', (path: string) => writeFileSync(path, 'x'.repeat(10_000))],
    ['lost its end', (path: string) => truncateSync(path, 10_000)],
  ])('refuses a database that %s, and changes nothing', async (_, damage) => {
    const folder = await usedFolder();
    const path = join(folder, 'mailhook.db');
    damage(path);
    const before = readFileSync(path);
    expect(await refusal(folder)).toBe('corrupt');
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(await refusal(folder)).toBe('corrupt');
  });

  it('refuses a database that was overwritten in its middle', async () => {
    const folder = await usedFolder();
    overwrite(join(folder, 'mailhook.db'), 4_096, 60_000);
    expect(await refusal(folder)).toBe('corrupt');
    expect(await refusal(folder)).toBe('corrupt');
  });

  it('refuses the data of a later version, and changes nothing', async () => {
    const folder = await usedFolder();
    changeDatabase(
      folder,
      `PRAGMA user_version = ${SCHEMA_VERSION + 1}; CREATE TABLE later (x); INSERT INTO later VALUES (1)`,
    );
    expect(await refusal(folder)).toBe('newer-version');
    changeDatabase(folder, `DROP TABLE later; PRAGMA user_version = ${SCHEMA_VERSION}`);
    expectConsistent(folder);
    const { close } = await openInFolder({ folder });
    await close();
  });

  it('refuses a database of another program', async () => {
    const folder = temporaryFolder();
    changeDatabase(folder, 'CREATE TABLE notes (text)');
    expect(await refusal(folder)).toBe('foreign');
    expect(readdirSync(folder)).not.toContain('vault.key');
  });

  it('starts over what a crash left of its first start', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'mailhook.db'), '');
    writeFileSync(join(folder, 'vault.key.new'), 'half a ke');
    mkdirSync(join(folder, 'blobs'));
    const { store, close } = await openInFolder({ folder });
    expect((await store.counts()).accounts.active).toBe(0);
    await close();
    expect(readdirSync(folder)).not.toContain('vault.key.new');
  });

  it('refuses writes after close(), and close() may be repeated', async () => {
    const opened = await openInFolder();
    const waiting = opened.store.createAccount(new Scene(opened).account());
    await opened.close();
    await opened.close();
    expect(await waiting).toBe('ok');
    await expect(opened.store.createAccount(new Scene(opened).account('bo'))).rejects.toThrow('closed');
    await expect(opened.blobs.put('raw', Buffer.from('x'))).rejects.toThrow('closed');
  });
});

describe('the key file', () => {
  it('is refused when others may read it', async () => {
    const folder = await usedFolder();
    const path = join(folder, 'vault.key');
    chmodSync(path, 0o640);
    expect(await refusal(folder, path)).toBe('key-file');
    expect(statSync(path).mode & 0o777).toBe(0o640);
    chmodSync(path, 0o600);
    const { close } = await openInFolder({ folder });
    await close();
  });

  it.each(['', 'mailhook-keys-v1\n', 'something else', 'x'.repeat(5_000)])(
    'is refused when it is damaged, case %#',
    async (text) => {
      const folder = await usedFolder();
      writeFileSync(join(folder, 'vault.key'), text);
      expect(await refusal(folder, 'vault.key')).toBe('key-file');
    },
  );

  it('is not made anew when secrets depend on the old one', async () => {
    const folder = await usedFolder();
    rmSync(join(folder, 'vault.key'));
    expect(await refusal(folder, 'vault.key')).toBe('key-file');
    expect(readdirSync(folder)).not.toContain('vault.key');
  });

  it('opens after a restart what was sealed before, with a key for each purpose', async () => {
    const first = await openInFolder();
    const sealed = await first.vault.seal('webhook-secret', 'wh_x', Buffer.from('secret'));
    await first.close();
    const { vault, close } = await openInFolder({ folder: first.folder });
    expect(Buffer.from(await vault.open('webhook-secret', 'wh_x', sealed)).toString()).toBe('secret');
    await close();
    const keys = readFileSync(join(first.folder, 'vault.key'), 'utf8').trimEnd().split('\n').slice(1);
    expect(new Set(keys.map((line) => line.split(' ')[1])).size).toBe(2);
  });
});

/** Overwrites a part of a file with what is no page of a database. */
function overwrite(path: string, from: number, to: number): void {
  const bytes = readFileSync(path);
  bytes.fill(0xab, Math.min(from, bytes.length), Math.min(to, bytes.length));
  writeFileSync(path, bytes);
}

/** Runs as a user without special rights; those who have none already stay who they are. */
async function asNobody<Result>(run: () => Promise<Result>): Promise<Result> {
  if (process.getuid?.() !== 0 || process.seteuid === undefined) return await run();
  const nobody = Number(spawnSync('id', ['-u', 'nobody'], { encoding: 'utf8' }).stdout);
  process.seteuid(nobody);
  try {
    return await run();
  } finally {
    process.seteuid(0);
  }
}
