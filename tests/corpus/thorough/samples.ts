import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../../../.corpus/', import.meta.url));
const MAX_SAMPLE_BYTES = 8 * 1024 * 1024;
/** Beside mails, the packages ship what their tests expect of them. */
const NO_MAILS = new Set([
  '.json',
  '.go',
  '.md',
  '.golden',
  '.expected',
  '.py',
  '.html',
  '.png',
  '.jpg',
  '.yml',
]);
const FIELD = /^[!-9;-~]+[ \t]*:/;
const KNOWN_FIELD =
  /^(from|to|subject|date|message-id|received|content-type|mime-version|return-path)[ \t]*:/i;
/** What stands between two mails of an mbox file. */
const MBOX_LINE = /^From \S.*\d{4}\r?$/;

/** A mail that a package ships. */
interface RealSample {
  /** Package and path. */
  readonly id: string;
  readonly bytes: Buffer;
}

/** The mails that `fetch-samples.sh` brought, each once, in the order of their names; none when it did not run. */
export function realSamples(): RealSample[] {
  if (!existsSync(FOLDER)) return [];
  const seen = new Set<string>();
  const paths = readdirSync(FOLDER, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !NO_MAILS.has(extname(entry.name)))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  return paths.flatMap(mailsOf).filter(({ bytes }) => {
    const hash = createHash('sha256').update(bytes).digest('hex');
    return !seen.has(hash) && seen.add(hash);
  });
}

function mailsOf(path: string): RealSample[] {
  const whole = readFileSync(path, 'latin1');
  if (whole.length > MAX_SAMPLE_BYTES) return [];
  const name = relative(FOLDER, path);
  const mails = MBOX_LINE.test(whole.slice(0, whole.indexOf('\n'))) ? splitMbox(whole) : [whole];
  return mails.filter(isMail).map((mail, index) => ({
    id: mails.length === 1 ? name : `${name}#${index + 1}`,
    bytes: Buffer.from(mail, 'latin1'),
  }));
}

function splitMbox(text: string): string[] {
  const mails: string[][] = [];
  let isAfterBlank = true;
  for (const line of text.split('\n')) {
    if (isAfterBlank && MBOX_LINE.test(line)) mails.push([]);
    else mails.at(-1)?.push(line);
    isAfterBlank = line.trim() === '';
  }
  return mails.map((lines) => lines.join('\n'));
}

/** Whether it begins with a header: the first line is a field, and one of them is one that mails have. */
function isMail(text: string): boolean {
  const lines = text.slice(0, 64 * 1024).split(/\r\n|\r|\n/);
  const end = lines.indexOf('');
  const header = end === -1 ? lines : lines.slice(0, end);
  return FIELD.test(lines[0] ?? '') && header.some((line) => KNOWN_FIELD.test(line));
}
