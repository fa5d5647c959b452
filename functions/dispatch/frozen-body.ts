import type { Claim } from '../../shared/ports/store.ts';
import type { DispatchDeps } from './deps.ts';
import { renderedBody } from './render.ts';

/**
 * The bytes to post for a claimed delivery: the same at every attempt. Where the webhook wants something else than the event
 * itself, that is rendered once, and frozen before anybody sees it. Null when the claim was lost meanwhile.
 */
export async function frozenBody(
  { store, blobs, contents }: Pick<DispatchDeps, 'store' | 'blobs' | 'contents'>,
  claim: Claim,
): Promise<Uint8Array | null> {
  const bytes = await blobs.read(claim.body);
  if (claim.frozen) return bytes;
  const rendered = await renderedBody(bytes, claim.attachments, (ids) => contents(claim.ref.eventId, ids));
  if (rendered === null) return bytes;
  const answer = await store.freeze(claim, await blobs.put('body', rendered));
  return answer === 'ok' ? rendered : null;
}
