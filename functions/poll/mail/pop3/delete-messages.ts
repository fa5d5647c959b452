import type { Action, ActionResult } from '../../../../shared/ports/mail-source.ts';
import type { Maildrop } from './maildrop.ts';
import { lineCommand, type Pop3Session } from './pop3-session.ts';

/**
 * Marks messages as deleted (DELE, RFC 1939 section 5), which counts once QUIT is answered +OK. POP3 can do nothing
 * else to a message. A UIDL that several messages share is refused: it does not say which of them is meant.
 * `deleted` are the UIDLs marked in this session; it is added to. Throws MailError when the session fails.
 */
export async function deleteMessages(
  session: Pop3Session,
  maildrop: Maildrop,
  actions: readonly Action[],
  deleted: Set<string>,
): Promise<ActionResult[]> {
  const plans = actions.map((action) => plan(maildrop, action));
  const marked = new Map<string, ActionResult['reason']>();
  const uidls = new Map<string, number>();
  for (const { dele } of plans) if (dele && !deleted.has(dele.uidl)) uidls.set(dele.uidl, dele.number);
  const commands = [...uidls.values()].map((number) => lineCommand(`DELE ${number}`));
  const exchange = session.exchange(commands);
  for (const uidl of uidls.keys()) {
    const { value: answer } = await exchange.next();
    if (!answer) throw new Error('DELE had no answer');
    if (answer.reply.kind === 'ok') deleted.add(uidl);
    else marked.set(uidl, `the server says "${answer.reply.text}"`);
  }
  return plans.map(({ result, dele }) => {
    if (!dele) return result;
    const reason = marked.get(dele.uidl);
    return reason === undefined ? result : { key: result.key, result: 'retry', reason };
  });
}

/** What becomes of an action, provided that the DELE it may take is answered +OK. */
function plan(
  maildrop: Maildrop,
  { key, source, action }: Action,
): { result: ActionResult; dele: { uidl: string; number: number } | null } {
  const ended = (result: ActionResult['result'], reason: string | null = null) => ({
    result: { key, result, reason },
    dele: null,
  });
  if (action.kind === 'none') return ended('done');
  if (source.protocol !== 'pop3') return ended('refused', 'The message is not of this POP3 account');
  if (action.kind !== 'delete')
    return ended('refused', `POP3 cannot ${action.kind} a message, only delete it`);
  const place = maildrop.find(source.uidl);
  if (place.kind === 'none') return ended('gone');
  if (place.kind === 'many') {
    return ended('refused', 'Several messages on the server share this UIDL, so none of them is deleted');
  }
  return { result: { key, result: 'done', reason: null }, dele: { uidl: source.uidl, number: place.number } };
}
