import { createHash } from 'node:crypto';

const STYLE = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 3rem auto; padding: 0 1rem; color: #1a1a1a; background: #fff }
table { border-collapse: collapse } th, td { text-align: left; padding: .15rem 1.5rem .15rem 0; vertical-align: top; font-weight: normal }
th { color: #666 } pre { background: #f4f4f4; padding: .75rem 1rem; overflow-x: auto } .warning { color: #a33 }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #161616 } th { color: #999 } pre { background: #222 } .warning { color: #f88 } }
`;
const STYLE_HASH = createHash('sha256').update(STYLE, 'utf8').digest('base64');

/** Nothing is loaded, nothing runs, nobody frames it, no form leaves it. */
const POLICY = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/**
 * The page for a person who opens the server's address: counts by state, warnings, and what to do next. It is given the
 * JSON of `/v1/status` (null when there is none), and shows no name, address, subject or secret, since it asks for no token.
 */
export function statusPage(status: unknown): Response {
  const html = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>mailhook</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>${STYLE}</style></head>
<body><h1>mailhook</h1>
${isRecord(status) ? statusSection(status) : '<p class="warning">The status cannot be read: see the log.</p>'}
${isRecord(status) ? nextSection(status) : ''}
<p>The API is at <code>/v1</code>, for requests that bring the token of the data folder.</p>
</body></html>
`;
  return new Response(html, {
    status: isRecord(status) ? 200 : 500,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': POLICY,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      'cache-control': 'no-store',
    },
  });
}

function statusSection(status: Readonly<Record<string, unknown>>): string {
  const { version, accounts, messages, deliveries, lastTickAt, warnings } = status;
  const rows: readonly (readonly [string, string])[] = [
    ['Version', String(version)],
    ['Accounts', counts(accounts)],
    [
      'Messages',
      isRecord(messages)
        ? `${String(messages.pending)} pending, ${String(messages.waiting)} not fetched yet`
        : '',
    ],
    ['Deliveries', counts(deliveries)],
    ['Last tick', lastTickAt === null ? 'not yet' : String(lastTickAt)],
  ];
  const table = rows
    .map(([name, value]) => `<tr><th>${name}</th><td>${escapeHtml(value)}</td></tr>`)
    .join('\n');
  const lines = Array.isArray(warnings) ? warnings.filter(isRecord) : [];
  const warned = lines
    .map(({ message }) => `<p class="warning">${escapeHtml(String(message))}</p>`)
    .join('\n');
  return `<table>\n${table}\n</table>\n${warned}`;
}

/** What to type: the first steps as long as there is no account, the everyday ones from then on. */
function nextSection({ accounts }: Readonly<Record<string, unknown>>): string {
  return counts(accounts) === 'none'
    ? `<h2>Next</h2>
<p>Add a webhook, and then a mailbox. In the folder where mailhook is installed:</p>
<pre>npx mailhook webhooks add http://127.0.0.1:3000/mail
npx mailhook accounts add NAME --host imap.example.com --username you@example.com
npx mailhook poll
npx mailhook messages list</pre>`
    : `<h2>More</h2>
<p>In the folder where mailhook is installed:</p>
<pre>npx mailhook accounts list
npx mailhook messages list
npx mailhook --help</pre>`;
}

/** `2 active, 1 paused`, without the states that have none. */
function counts(byState: unknown): string {
  if (!isRecord(byState)) return '';
  const present = Object.entries(byState).filter(([, count]) => count !== 0);
  return present.length === 0
    ? 'none'
    : present.map(([state, count]) => `${String(count)} ${state}`).join(', ');
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
