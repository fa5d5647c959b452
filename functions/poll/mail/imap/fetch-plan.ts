import type { Listed } from '../../../../shared/ports/mail-source.ts';
import { BATCH_BYTES, BATCH_MESSAGES } from './limits.ts';

/** One FETCH, or a few for one long message; the items are neighbours in the order asked for. */
export interface FetchStep {
  /** `bodies` whole messages; `long` one message in parts; `heads` header sections of messages that are too large. */
  readonly kind: 'bodies' | 'long' | 'heads';
  readonly items: readonly Listed[];
  /** What their stated sizes come to. */
  readonly bytes: number;
}

/** For a message whose size the server does not state, or states as 0, which may mean the same. */
const UNKNOWN_SIZE_BYTES = 1024 * 1024;
/** A header section is mostly far smaller; this bounds the batch and gives the deadline. */
const USUAL_HEAD_BYTES = 64 * 1024;

/** Cuts the items, in their order, into steps of at most `BATCH_MESSAGES` messages and about `BATCH_BYTES`. */
export function planFetch(items: readonly Listed[], maxSizeBytes: number): FetchStep[] {
  return cutIntoSteps(items, (item) => {
    const bytes = item.sizeBytes || UNKNOWN_SIZE_BYTES;
    if (bytes > maxSizeBytes && item.sizeBytes) return { kind: 'heads', bytes: USUAL_HEAD_BYTES };
    return { kind: bytes > BATCH_BYTES ? 'long' : 'bodies', bytes };
  });
}

/** The same for header sections alone. */
export function planHeads(items: readonly Listed[]): FetchStep[] {
  return cutIntoSteps(items, () => ({ kind: 'heads', bytes: USUAL_HEAD_BYTES }));
}

function cutIntoSteps(
  items: readonly Listed[],
  judge: (item: Listed) => { readonly kind: FetchStep['kind']; readonly bytes: number },
): FetchStep[] {
  const steps: { kind: FetchStep['kind']; items: Listed[]; bytes: number }[] = [];
  for (const item of items) {
    const { kind, bytes } = judge(item);
    const last = steps.at(-1);
    const fits =
      last !== undefined &&
      last.kind === kind &&
      kind !== 'long' &&
      last.items.length < BATCH_MESSAGES &&
      last.bytes + bytes <= BATCH_BYTES;
    if (fits) {
      last.items.push(item);
      last.bytes += bytes;
    } else {
      steps.push({ kind, items: [item], bytes });
    }
  }
  return steps;
}
