import type { AccountId, WebhookId } from '../../identity.ts';
import type { Page, PageRequest } from '../../ports/lists.ts';
import { type ListKind, listPartition, sequenceKey } from './keys.ts';
import { number, text } from './marshal.ts';
import { cursorOf, limitOf, placeOf } from './paging.ts';
import { query, type Table } from './requests.ts';
import { update } from './writes.ts';

/** The form of a place: the number, then the id. */
const PLACE = /^\d{12}#[a-z]{2,3}_[a-z2-7]{16}$/;
const LAST_PLACE = '~';

type IdOf<Kind extends ListKind> = Kind extends 'account' ? AccountId : WebhookId;

/** The next number of an account or a webhook: the order in which they are listed is that of their creation. */
export async function nextSequence(table: Table): Promise<number> {
  const added = await update(table, {
    key: sequenceKey(),
    update: 'ADD lastNumber :one',
    values: { ':one': 1 },
  });
  if (!added.ok) throw new Error('Cannot number an account or a webhook: the counter was refused');
  return number(added.item, 'lastNumber');
}

/** A page of ids in the order of their creation. Strongly consistent: what was just created is in it. */
export async function listPage<Kind extends ListKind>(
  table: Table,
  kind: Kind,
  page: PageRequest,
): Promise<Page<IdOf<Kind>>> {
  const list = kind === 'account' ? 'a' : 'w';
  const limit = limitOf(page);
  const after = placeOf(list, page.after, PLACE) ?? '0';
  const found: { id: IdOf<Kind>; place: string }[] = [];
  const range = { first: after, last: LAST_PLACE };
  for await (const item of query(table, { partition: listPartition(kind), range, pageSize: limit + 2 })) {
    const place = text(item, 'sk');
    // A removed webhook stays in the list as long as its deliveries do.
    if (place === after || item.removedAt !== undefined) continue;
    found.push({ id: place.slice(place.indexOf('#') + 1) as IdOf<Kind>, place });
    if (found.length > limit) break;
  }
  const shown = found.slice(0, limit);
  const last = shown.at(-1);
  const more = found.length > limit && last !== undefined;
  return { data: shown.map(({ id }) => id), next: more ? cursorOf(list, last.place) : null };
}
