import type { AccountSettings } from '../../shared/account.ts';
import type { FieldError } from './problem.ts';

type RuledSettings = Pick<
  AccountSettings,
  'protocol' | 'mailboxes' | 'start' | 'onDelivered' | 'onFailed' | 'deleteAfterDays'
>;

/**
 * What does not go together in an account's settings; empty when all is well. POP3 has one maildrop, no flags, no
 * folders and no dates of arrival (RFC 1939), and a message that is deleted or moved at once is not there to be deleted
 * days later. Free of libraries, because the command line checks the same before it asks.
 */
export function accountRuleErrors(settings: RuledSettings): FieldError[] {
  const errors = settings.protocol === 'pop3' ? pop3Errors(settings) : imapErrors(settings);
  const { onDelivered, onFailed, deleteAfterDays } = settings;
  if (onFailed.kind === 'mark-seen' || onFailed.kind === 'delete') {
    errors.push({
      path: 'onFailed',
      message: `cannot be "${onFailed.kind}": give none, flag:KEYWORD or move:MAILBOX`,
    });
  }
  if (deleteAfterDays !== null && (onDelivered.kind === 'delete' || onDelivered.kind === 'move')) {
    errors.push({
      path: 'deleteAfterDays',
      message: `excludes "${onDelivered.kind}" when all webhooks took a message: the message is gone by then`,
    });
  }
  return errors;
}

function pop3Errors(settings: RuledSettings): FieldError[] {
  const errors: FieldError[] = [];
  for (const path of ['onDelivered', 'onFailed'] as const) {
    const { kind } = settings[path];
    if (kind === 'mark-seen' || kind === 'flag' || kind === 'move') {
      errors.push({ path, message: `"${kind}" needs IMAP: POP3 can only delete` });
    }
  }
  if (settings.start.kind === 'since') {
    errors.push({ path: 'start', message: '"since:" needs IMAP: POP3 has no dates of arrival' });
  }
  if (settings.mailboxes.length > 0) {
    errors.push({ path: 'mailboxes', message: 'need IMAP: POP3 has the one maildrop' });
  }
  return errors;
}

function imapErrors(settings: RuledSettings): FieldError[] {
  return settings.mailboxes.length === 0
    ? [{ path: 'mailboxes', message: 'must name at least one mailbox' }]
    : [];
}
