import { createSecretKey, type KeyObject } from 'node:crypto';
import type { Sealed, Vault } from '../../shared/ports/vault.ts';
import type { Webhook } from '../../shared/webhook.ts';
import { headersError } from '../../shared/webhook-headers.ts';
import { secretKey } from '../../shared/webhook-secret.ts';

/** More sealed values than this are opened anew, the ones opened longest ago first. */
const MAX_CACHED = 10_000;

/** What a webhook's sealed values hold, opened once and kept for the life of the process. */
interface Opened {
  readonly keys: Map<Sealed, Promise<KeyObject>>;
  readonly headers: Map<Sealed, Promise<readonly string[]>>;
}

const openedBy = new WeakMap<Vault, Opened>();

/** The keys that sign for a webhook at this time, newest first. Throws when one cannot be opened: an outage, or another key. */
export function signingKeys(vault: Vault, webhook: Webhook, now: Date): Promise<readonly KeyObject[]> {
  const { keys } = openedOf(vault);
  const live = webhook.secrets.filter(
    ({ expiresAt }) => expiresAt === null || Date.parse(expiresAt) > now.getTime(),
  );
  if (live.length === 0) throw new Error(`Webhook ${webhook.id} has no secret to sign with: rotate it`);
  return Promise.all(
    live.map(({ sealed }) =>
      cached(keys, sealed, async () => {
        const key = secretKey(await openText(vault, webhook, sealed));
        if (key === null) throw new Error(`A secret of webhook ${webhook.id} is not of its form: rotate it`);
        return createSecretKey(key);
      }),
    ),
  );
}

const ACCEPT = ['accept', '*/*'] as const;

/** The extra headers of a webhook, name and value in turn, with an `accept` among them. Throws when they cannot be opened. */
export async function extraHeaders(vault: Vault, webhook: Webhook): Promise<readonly string[]> {
  const sealed = webhook.headers;
  if (sealed === null) return ACCEPT;
  return cached(openedOf(vault).headers, sealed, async () => {
    const headers = JSON.parse(await openText(vault, webhook, sealed)) as Record<string, string>;
    const error = headersError(headers);
    if (error !== null) throw new Error(`The headers of webhook ${webhook.id} cannot be sent: ${error}`);
    const accepts = Object.keys(headers).some((name) => name.toLowerCase() === 'accept');
    return [...(accepts ? [] : ACCEPT), ...Object.entries(headers).flat()];
  });
}

async function openText(vault: Vault, webhook: Webhook, sealed: Sealed): Promise<string> {
  return Buffer.from(await vault.open('webhook-secret', webhook.id, sealed)).toString('utf8');
}

function openedOf(vault: Vault): Opened {
  const known = openedBy.get(vault);
  if (known !== undefined) return known;
  const opened: Opened = { keys: new Map(), headers: new Map() };
  openedBy.set(vault, opened);
  return opened;
}

function cached<Value>(
  cache: Map<Sealed, Promise<Value>>,
  sealed: Sealed,
  open: () => Promise<Value>,
): Promise<Value> {
  const known = cache.get(sealed);
  if (known !== undefined) return known;
  const opening = open();
  cache.set(sealed, opening);
  // A failure is not kept: the next attempt asks again.
  opening.catch(() => cache.delete(sealed));
  if (cache.size > MAX_CACHED) cache.delete(cache.keys().next().value ?? sealed);
  return opening;
}
