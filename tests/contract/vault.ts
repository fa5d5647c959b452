import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Sealed, Vault } from '../../shared/ports/vault.ts';

/** An adapter of the vault, with keys of its own. */
interface OpenedVault {
  readonly vault: Vault;
  close(): Promise<void>;
}

const OWNER = 'acc_aaaaaaaaaaaaaaaa';
const SECRET = Buffer.from('pässword \0 with everything');

/** What every adapter of `Vault` keeps. Each `open` gives one with other keys. */
export function vaultContract(name: string, open: () => Promise<OpenedVault>): void {
  describe(`vault contract: ${name}`, () => {
    let opened: OpenedVault;

    beforeEach(async () => {
      opened = await open();
    });

    afterEach(() => opened.close());

    const seal = () => opened.vault.seal('mailbox-credential', OWNER, SECRET);

    it.each(['mailbox-credential', 'webhook-secret'] as const)(
      'open() gives back the %s that was sealed',
      async (purpose) => {
        for (const sizeBytes of [0, 1, 27, 10_000]) {
          const value = Buffer.alloc(sizeBytes, 'x');
          const sealed = await opened.vault.seal(purpose, OWNER, value);
          expect(Buffer.from(await opened.vault.open(purpose, OWNER, sealed))).toEqual(value);
        }
      },
    );

    it('seal() hides the value, names its form, and never gives the same text twice', async () => {
      const [one, two] = [await seal(), await seal()];
      expect(one).toMatch(/^[a-z0-9]+:/);
      expect(one).not.toBe(two);
      expect(Buffer.from(one).includes(SECRET.subarray(0, 4))).toBe(false);
    });

    it('open() refuses a value of another owner', async () => {
      await expect(opened.vault.open('mailbox-credential', `${OWNER}b`, await seal())).rejects.toThrow();
    });

    it('open() refuses a value of another purpose', async () => {
      await expect(opened.vault.open('webhook-secret', OWNER, await seal())).rejects.toThrow();
    });

    it('open() refuses a value that was sealed with other keys', async () => {
      const other = await open();
      const sealed = await other.vault.seal('mailbox-credential', OWNER, SECRET);
      await other.close();
      await expect(opened.vault.open('mailbox-credential', OWNER, sealed)).rejects.toThrow();
    });

    it('open() refuses a value of which any character was altered', async () => {
      const sealed = await seal();
      for (let at = 0; at < sealed.length; at++) {
        const altered = `${sealed.slice(0, at)}${sealed[at] === 'A' ? 'B' : 'A'}${sealed.slice(at + 1)}`;
        await expect(opened.vault.open('mailbox-credential', OWNER, altered as Sealed)).rejects.toThrow();
      }
    });

    it.each(['', 'v1:', 'v9:AAAA', 'plain text', `v1:${'A'.repeat(20)}`])(
      'open() refuses %j, which was never sealed',
      async (text) => {
        await expect(opened.vault.open('mailbox-credential', OWNER, text as Sealed)).rejects.toThrow();
      },
    );

    it('open() tells nothing of the value in its error', async () => {
      const error = await opened.vault
        .open('webhook-secret', OWNER, await seal())
        .catch((cause: unknown) => cause);
      expect(String(error)).not.toContain(SECRET.toString());
      expect(String(error)).toContain(OWNER);
      expect(String(error)).not.toContain('\n');
    });
  });
}
