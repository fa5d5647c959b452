import type { Command } from 'commander';
import { type Context, show } from '../context.ts';
import type { StatusJson } from '../resources.ts';
import { duration, printable, relativeTime } from '../text.ts';

interface PollReportJson {
  readonly name: string;
  readonly outcome: string;
  readonly listed: number;
  readonly new: number;
  readonly committed: number;
  readonly settled: number;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** `mailhook poll`. */
export function addPollCommand(command: Command, context: Context): void {
  command.argument('[names...]', 'accounts').action((names: string[]) => poll(context, command, names));
}

async function poll(context: Context, command: Command, names: readonly string[]): Promise<void> {
  const body = names.length === 0 ? {} : { accounts: names };
  const answer = (await context.api.send('POST', '/v1/poll', body)) as {
    readonly accounts: readonly PollReportJson[];
  };
  // A paused account among all of them is as its owner wants it; one that was named was not polled as asked.
  const failures = names.length === 0 ? ['auth_failed', 'error'] : ['auth_failed', 'error', 'paused'];
  if (answer.accounts.some(({ outcome }) => failures.includes(outcome))) context.fail();
  await show(context, command, answer, async ({ accounts }) => {
    const { terminal } = context;
    if (accounts.length === 0) {
      terminal.hint('No accounts yet. Next: npx mailhook accounts add NAME --host H --username U');
      return;
    }
    await terminal.table(
      ['ACCOUNT', 'OUTCOME', 'NEW', 'COMMITTED', 'SETTLED', 'ERROR'],
      accounts.map((report) => [
        report.name,
        terminal.state(report.outcome),
        String(report.new),
        String(report.committed),
        String(report.settled),
        { painted: report.error === null ? '-' : printable(`${report.error.code}: ${report.error.message}`) },
      ]),
    );
    if (names.length === 0) return;
    for (const { name } of accounts.filter((report) => report.outcome === 'paused')) {
      terminal.hint(
        `${printable(name)} is paused and was not polled. Next: npx mailhook accounts resume ${printable(name)}`,
      );
    }
  });
}

/** `mailhook status`. */
export function addStatusCommand(command: Command, context: Context): void {
  command.action(() => status(context, command));
}

async function status(context: Context, command: Command): Promise<void> {
  const answer = (await context.api.send('GET', '/v1/status')) as StatusJson;
  await show(context, command, answer, async ({ accounts, messages, deliveries, ...rest }) => {
    const { terminal } = context;
    await terminal.fields([
      ['version', rest.version],
      ['accounts', counts(accounts)],
      ['messages', withAge(messages.pending, 'pending', messages.oldestPendingSeconds)],
      ['not fetched yet', withAge(messages.waiting, 'waiting', messages.oldestWaitingSeconds)],
      ['deliveries', counts(deliveries)],
      ['last tick', relativeTime(rest.lastTickAt, context.now())],
    ]);
    for (const warning of rest.warnings) terminal.warn(`Warning: ${warning.message}`);
    if (Object.values(accounts).every((number) => number === 0)) {
      terminal.hint('No accounts yet. Next: npx mailhook accounts add NAME --host H --username U');
    }
  });
}

/** `3 pending, the oldest for 5 min`. */
function withAge(number: number, state: string, seconds: number | null): string {
  return `${number} ${state}${seconds === null ? '' : `, the oldest for ${duration(seconds)}`}`;
}

/** `2 active, 1 paused`, without the states that have none. */
function counts(byState: Readonly<Record<string, number>>): string {
  const present = Object.entries(byState).filter(([, number]) => number > 0);
  return present.length === 0 ? 'none' : present.map(([state, number]) => `${number} ${state}`).join(', ');
}
