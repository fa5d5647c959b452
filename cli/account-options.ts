import { readFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { accountRuleErrors } from '../functions/admin/account-rules.ts';
import { parseServerAction, parseStartPolicy } from '../shared/account.ts';
import { UsageError } from './errors.ts';
import { fieldLabel } from './field-label.ts';
import { fileProblem } from './file-problem.ts';
import { actionOption, integerOption, listOption, startOption } from './options.ts';
import type { PasswordOptions } from './password.ts';

/** The options of `accounts add` and `accounts update`, as commander gives them. */
export interface AccountOptions extends PasswordOptions {
  readonly name?: string;
  readonly protocol?: 'imap' | 'pop3';
  readonly host?: string;
  readonly port?: number;
  readonly security?: string;
  readonly username?: string;
  readonly oauth?: string;
  readonly caFile?: string | false;
  readonly mailbox?: readonly string[];
  readonly interval?: number;
  readonly start?: string;
  readonly onDelivered?: string;
  readonly onFailed?: string;
  readonly deleteAfter?: number | 'none';
  readonly maxSize?: number;
  readonly tlsAllowInvalidCertificate?: boolean;
  readonly skipTest?: boolean;
}

/** Adds the options that adding and updating an account share. */
export function addAccountOptions(command: Command): Command {
  return command
    .option('--host <host>', 'the mail server')
    .addOption(integerOption('--port <port>', 'its port (default: the usual one)'))
    .addOption(
      new Option('--security <how>', 'how the connection is secured (default: tls)').choices([
        'tls',
        'starttls',
        'none',
      ]),
    )
    .option('--username <name>', 'the login')
    .option('--password-stdin', 'read the password from standard input')
    .option('--password-env <variable>', 'take the password from an environment variable')
    .addOption(new Option('--oauth <provider>', 'not available yet').choices(['google', 'microsoft']))
    .option('--ca-file <pem>', 'trust these certificates instead of the usual ones')
    .addOption(listOption('--mailbox <mailbox>', 'a mailbox to poll, can be repeated (default: INBOX; IMAP)'))
    .addOption(integerOption('--interval <seconds>', 'time between polls, 5 or more (default: 300)'))
    .addOption(startOption())
    .addOption(actionOption('--on-delivered <action>', 'when all webhooks took a message', []))
    .addOption(actionOption('--on-failed <action>', 'when one never did', ['mark-seen', 'delete']))
    .addOption(deleteAfterOption())
    .addOption(
      integerOption('--max-size <bytes>', 'larger messages come without their body (default: 52428800)'),
    )
    .option(
      '--tls-allow-invalid-certificate',
      'accept any certificate: anybody on the way can read the password',
    )
    .option('--skip-test', 'do not log in first');
}

function deleteAfterOption(): Option {
  const days = integerOption('--delete-after <days>', 'delete on the server so long after delivery, or none');
  const parseDays = days.parseArg;
  return days.argParser((text: string) => (text === 'none' ? text : parseDays?.(text, undefined)));
}

/** The fields of the API that these options set; undefined ones are left out of the JSON. Throws UsageError. */
export async function accountFields(options: AccountOptions): Promise<Record<string, unknown>> {
  return {
    name: options.name,
    protocol: options.protocol,
    host: options.host,
    port: options.port,
    security: options.security,
    username: options.username,
    oauth: options.oauth === undefined ? undefined : { provider: options.oauth },
    caPem: options.caFile === false ? null : await readOptionFile('--ca-file', options.caFile),
    mailboxes: options.mailbox,
    intervalSeconds: options.interval,
    start: options.start,
    onDelivered: options.onDelivered,
    onFailed: options.onFailed,
    deleteAfterDays: options.deleteAfter === 'none' ? null : options.deleteAfter,
    maxSizeBytes: options.maxSize,
    tlsAllowInvalidCertificate: options.tlsAllowInvalidCertificate,
    skipTest: options.skipTest,
  };
}

/** Throws UsageError for options that do not go together, the same that the API would refuse. */
export function checkAccountOptions(options: AccountOptions): void {
  const protocol = options.protocol ?? 'imap';
  const none = { kind: 'none' } as const;
  const [error] = accountRuleErrors({
    protocol,
    mailboxes: options.mailbox ?? (protocol === 'imap' ? ['INBOX'] : []),
    start: parseStartPolicy(options.start ?? 'now') ?? { kind: 'now' },
    onDelivered: parseServerAction(options.onDelivered ?? 'none') ?? none,
    onFailed: parseServerAction(options.onFailed ?? 'none') ?? none,
    deleteAfterDays: typeof options.deleteAfter === 'number' ? options.deleteAfter : null,
  });
  if (error !== undefined) {
    throw new UsageError(`${fieldLabel(error.path)}: ${error.message}`);
  }
}

/** The text of the file that an option names; undefined when it was not given. Throws UsageError when it cannot be read. */
export async function readOptionFile(option: string, path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new UsageError(`Cannot read "${path}" of ${option}: ${fileProblem(error)}`, { cause: error });
  }
}
