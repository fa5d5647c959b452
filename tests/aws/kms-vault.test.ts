import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { afterAll, expect, inject } from 'vitest';
import { createKmsVault } from '../../shared/aws/kms-vault.ts';
import { systemClock } from '../../shared/ports/clock.ts';
import { vaultContract } from '../contract/vault.ts';

const client = new KMSClient(inject('miniStack').clientOptions);
afterAll(() => client.destroy());

async function newKey(): Promise<string> {
  const { KeyMetadata: made } = await client.send(new CreateKeyCommand({}));
  expect(made?.Arn).toBeDefined();
  return made?.Arn ?? '';
}

vaultContract('kms', async () => {
  const keyIds = { 'mailbox-credential': await newKey(), 'webhook-secret': await newKey() };
  return { vault: createKmsVault({ client, keyIds, clock: systemClock }), close: async () => undefined };
});
