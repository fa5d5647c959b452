import { ASSUMED } from './assumptions.ts';
import { addBills, type Bill, billOfMail, billOfUsage, idleMonth, LINES, totalBill } from './cost.ts';
import type { Findings } from './findings.ts';
import { dollars, markdownTable, quantity, roughly } from './markdown.ts';
import type { Quantity, Usage } from './usage.ts';

const MILLION = 1_000_000;
const MAILS_PER_ACCOUNT_MONTH = 10 * 30.4;
/** As the stack is deployed without other settings, and as AWS's quotas are. */
const CONCURRENCY = 20;
const TICK_SECONDS = 60;
const PARTITION_UNITS_PER_SECOND = 1_000;
const NEW_TABLE_UNITS_PER_SECOND = 4_000;

/** The generated parts of docs/cost.md, by name. */
export function tablesOf(findings: Findings): Readonly<Record<string, string>> {
  return {
    months: months(findings),
    usage: usages(findings),
    trouble: trouble(findings),
    limits: limits(findings),
    assumptions: assumptions(),
  };
}

function months({ idle, mail }: Findings): string {
  const mails = addBills([billOfMail(mail), MILLION]);
  const bills: Bill[] = [...idle.map(idleMonth), mails];
  const head = [
    '$ a month',
    ...idle.map(({ accounts }) => `${roughly(accounts)} accounts`),
    'a million mails',
  ];
  const rows = LINES.map((line) => [line, ...bills.map((bill) => dollars(bill[line]))]);
  const totals = bills.map(totalBill);
  const withMail = idle.map(
    ({ accounts }, at) =>
      (totals[at] ?? 0) + accounts * MAILS_PER_ACCOUNT_MONTH * (totalBill(mails) / MILLION),
  );
  return markdownTable(head, [
    ...rows,
    ['**without mail**', ...totals.map((total) => `**${dollars(total)}**`)],
    ['**with 10 mails a day for each account**', ...withMail.map((total) => `**${dollars(total)}**`), ''],
  ]);
}

const COLUMNS: readonly (readonly [Quantity, string])[] = [
  ['dynamoRequests', 'DynamoDB requests'],
  ['readUnits', 'read units'],
  ['writeUnits', 'write units'],
  ['sqsRequests', 'SQS requests'],
  ['s3Puts', 'S3 PUT'],
  ['s3Gets', 'S3 GET'],
  ['kmsRequests', 'KMS requests'],
  ['invocations', 'invocations'],
  ['seconds', 'seconds of them'],
];

function usages({ idle, mail, burst, pop3, markSeen, retry }: Findings): string {
  const rows: (readonly [string, Usage])[] = [
    ...idle.map(({ accounts, tick }) => [`tick, ${roughly(accounts)} accounts`, tick] as const),
    ...idle.map(({ accounts, poll }) => [`idle poll, ${roughly(accounts)} accounts`, poll] as const),
    ['IMAP mail that comes alone, delivered', mail.used],
    ['the same as one of 50 that come at once', burst.used],
    ['POP3 mail that comes alone, delivered', pop3.used],
    ['IMAP mail, delivered and marked read', markSeen.used],
    ['a first attempt that fails, on top', retry],
  ];
  return markdownTable(
    ['', ...COLUMNS.map(([, title]) => title)],
    rows.map(([name, used]) => [name, ...COLUMNS.map(([column]) => quantity(used[column]))]),
  );
}

function trouble({ exhausted, dead }: Findings): string {
  const rows: (readonly [string, Usage, number])[] = [
    [`a webhook that asks for rest, ${roughly(dead.waiting)} waiting: one hour`, dead.hour, 24 * 30.4],
    ['one of the waiting, released and delivered', dead.released, dead.waiting],
    ['a delivery that times out ten times in 76 hours', exhausted, dead.waiting],
  ];
  const head = ['', 'DynamoDB requests', 'write units', 'invocations', 'seconds of them', '$ for', 'of them'];
  return markdownTable(
    head,
    rows.map(([name, used, times]) => [
      name,
      quantity(used.dynamoRequests),
      quantity(used.writeUnits),
      quantity(used.invocations),
      quantity(used.seconds),
      dollars(totalBill(billOfUsage(used)) * times),
      roughly(times),
    ]),
  );
}

/** Where what grows meets what does not, with everything as it is deployed. */
function limits({ idle, mail, burst }: Findings): string {
  const [, middle, large] = idle;
  if (middle === undefined || large === undefined) throw new Error('Three sizes are needed');
  const tickPerAccount = (large.tick.seconds - middle.tick.seconds) / (large.accounts - middle.accounts);
  const tickAccounts = (TICK_SECONDS - large.tick.seconds) / tickPerAccount + large.accounts;
  const pollAccounts = (CONCURRENCY * 60 * 5) / large.poll.seconds;
  const rows = [
    [
      'polls at once (`pollConcurrency`)',
      `${quantity((100 * (large.accounts / 5) * large.poll.seconds) / (CONCURRENCY * 60))} % used at ${roughly(large.accounts)} accounts`,
      `${roughly(pollAccounts)} accounts`,
    ],
    [
      'the minute that a tick has',
      `${quantity(large.tick.seconds)} s taken at ${roughly(large.accounts)} accounts`,
      `${roughly(tickAccounts)} accounts`,
    ],
    [
      'deliveries at once (`dispatchConcurrency`)',
      `${quantity(mail.dispatchSeconds)} s of an invocation for each mail`,
      `${roughly((CONCURRENCY * 60) / mail.dispatchSeconds)} mails a minute`,
    ],
    [
      'one partition of the work index',
      `${quantity(burst.workIndexUnits)} units of it for each mail`,
      `${roughly(PARTITION_UNITS_PER_SECOND / burst.workIndexUnits)} mails a second`,
    ],
    [
      'a new table on demand',
      `${quantity(burst.used.writeUnits)} write units for each mail`,
      `${roughly(NEW_TABLE_UNITS_PER_SECOND / burst.used.writeUnits)} mails a second`,
    ],
  ];
  return markdownTable(['limit', 'measured', 'reached at about'], rows);
}

function assumptions(): string {
  const ms = (value: number) => `${value.toLocaleString('en-US')} ms`;
  const kb = (value: number) => `${Math.round(value / 1_024)} KB`;
  const rows = [
    ['a request to DynamoDB; a transaction', `${ms(ASSUMED.dynamoMs)}; ${ms(ASSUMED.transactionMs)}`],
    ['a request to SQS; S3; KMS', `${ms(ASSUMED.sqsMs)}; ${ms(ASSUMED.s3Ms)}; ${ms(ASSUMED.kmsMs)}`],
    ['from a queue to a function; its cold start', `${ms(ASSUMED.pickUpMs)}; ${ms(ASSUMED.coldStartMs)}`],
    [
      'login; listing; fetch; logout',
      [ASSUMED.loginMs, ASSUMED.listMs, ASSUMED.fetchMs, ASSUMED.logoutMs].map(ms).join('; '),
    ],
    [
      'the answer of a receiver; the wait for one that is dead',
      `${ms(ASSUMED.receiverMs)}; ${ms(ASSUMED.timeoutMs)}`,
    ],
    ['a mail; the JSON made of it', `${kb(ASSUMED.rawBytes)}; ${kb(ASSUMED.eventBytes)}`],
    ['accounts for each mail host', String(ASSUMED.accountsPerHost)],
    ['what goes out for a poll', kb(ASSUMED.pollEgressBytes)],
    ["Lambda's own lines in the log of an invocation", `${ASSUMED.platformLogBytes} bytes`],
    ['empty receives of an idle queue', `${ASSUMED.idleReceivesPerMinute} a minute`],
  ];
  return markdownTable(['assumed', ''], rows);
}
