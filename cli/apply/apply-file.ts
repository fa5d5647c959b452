import { readOptionFile } from '../account-options.ts';
import { isRecord } from '../api.ts';
import { UsageError } from '../errors.ts';
import { substitute } from './environment.ts';

/** An account or a webhook as the file wants it: fields of the API, by name. */
export interface WantedEntry {
  readonly name: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What the file wants. */
export interface ApplyFile {
  readonly accounts: readonly WantedEntry[];
  readonly webhooks: readonly WantedEntry[];
  readonly warnings: readonly string[];
}

type FieldType =
  | 'text'
  | 'number'
  | 'number-or-null'
  | 'text-or-null'
  | 'list'
  | 'list-or-null'
  | 'map'
  | 'switch'
  | 'any';

const ACCOUNT_FIELDS: Readonly<Record<string, FieldType>> = {
  name: 'text',
  protocol: 'text',
  host: 'text',
  port: 'number',
  security: 'text',
  username: 'text',
  password: 'text',
  oauth: 'any',
  mailboxes: 'list',
  intervalSeconds: 'number',
  start: 'text',
  onDelivered: 'text',
  onFailed: 'text',
  deleteAfterDays: 'number-or-null',
  maxSizeBytes: 'number',
  caPem: 'text-or-null',
  tlsAllowInvalidCertificate: 'switch',
  skipTest: 'switch',
};

const WEBHOOK_FIELDS: Readonly<Record<string, FieldType>> = {
  name: 'text',
  url: 'text',
  accounts: 'list-or-null',
  events: 'list',
  filter: 'any',
  transform: 'any',
  headers: 'map',
  attachments: 'text',
  timeoutSeconds: 'number',
  maxPerMinute: 'any',
  secret: 'text',
};

const SECTIONS = { accounts: ACCOUNT_FIELDS, webhooks: WEBHOOK_FIELDS } as const;
const SECRET_FIELDS = ['password', 'secret'] as const;

/**
 * Reads a file of accounts and webhooks, with `${VARIABLE}` replaced in its texts. Throws UsageError, which names the
 * place, for what is not YAML, a key nobody knows, a value of a wrong type, a name that is missing or there twice, and a
 * variable that is not set.
 */
export async function readApplyFile(path: string, env: NodeJS.ProcessEnv): Promise<ApplyFile> {
  const source = (await readOptionFile('apply', path)) ?? '';
  const document = await parseYaml(path, source);
  if (!isRecord(document)) throw new UsageError(`"${path}" must have the keys accounts and webhooks`);
  refuseUnknownKeys(document, Object.keys(SECTIONS), path);
  const warnings = plainSecrets(document);
  const filled = substitute(document, env, '') as Record<string, unknown>;
  return {
    accounts: readSection(filled, 'accounts'),
    webhooks: readSection(filled, 'webhooks'),
    warnings,
  };
}

async function parseYaml(path: string, source: string): Promise<unknown> {
  const { parseDocument } = await import('yaml');
  const document = parseDocument(source, { prettyErrors: false });
  const [error] = document.errors;
  if (error === undefined) return document.toJS({ maxAliasCount: 100 }) as unknown;
  const line = source.slice(0, error.pos[0]).split('\n').length;
  // The library's own message may quote the line, and that may hold a secret.
  throw new UsageError(`"${path}" is not valid YAML: line ${line}: ${error.code}`);
}

function readSection(
  document: Readonly<Record<string, unknown>>,
  section: keyof typeof SECTIONS,
): WantedEntry[] {
  const list = document[section] ?? [];
  if (!Array.isArray(list)) throw new UsageError(`${section} must be a list`);
  const entries = list.map((entry: unknown, index) =>
    readEntry(entry, `${section}[${index}]`, SECTIONS[section]),
  );
  const names = entries.map(({ name }) => name.toLowerCase());
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new UsageError(`${section}: the name "${twice}" is there twice`);
  return entries;
}

function readEntry(entry: unknown, place: string, known: Readonly<Record<string, FieldType>>): WantedEntry {
  if (!isRecord(entry)) throw new UsageError(`${place} must be a map of settings`);
  if (typeof entry.name !== 'string' || entry.name === '') throw new UsageError(`${place}.name is missing`);
  refuseUnknownKeys(entry, Object.keys(known), place);
  const fields: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(entry)) {
    fields[key] = readField(value, known[key] ?? 'any', `${place}.${key}`);
  }
  return { name: entry.name, fields };
}

function readField(value: unknown, type: FieldType, place: string): unknown {
  // A number that came from a variable is text.
  const read =
    type.startsWith('number') && typeof value === 'string' && /^\d{1,15}$/.test(value)
      ? Number(value)
      : value;
  if (isOfType(read, type)) return read;
  throw new UsageError(`${place} must be ${TYPE_NAMES[type]}`);
}

const TYPE_NAMES: Readonly<Record<FieldType, string>> = {
  text: 'text',
  'text-or-null': 'text or null',
  number: 'a number',
  'number-or-null': 'a number or null',
  list: 'a list of texts',
  'list-or-null': 'a list of texts or null',
  map: 'a map of texts',
  switch: 'true or false',
  any: 'something',
};

function isOfType(value: unknown, type: FieldType): boolean {
  switch (type) {
    case 'any':
      return true;
    case 'text':
      return typeof value === 'string';
    case 'number':
      return typeof value === 'number';
    case 'switch':
      return typeof value === 'boolean';
    case 'list':
      return Array.isArray(value) && value.every((item) => typeof item === 'string');
    case 'map':
      return isRecord(value) && Object.values(value).every((item) => typeof item === 'string');
    case 'text-or-null':
      return value === null || isOfType(value, 'text');
    case 'number-or-null':
      return value === null || isOfType(value, 'number');
    case 'list-or-null':
      return value === null || isOfType(value, 'list');
  }
}

function refuseUnknownKeys(
  map: Readonly<Record<string, unknown>>,
  known: readonly string[],
  place: string,
): void {
  const unknown = Object.keys(map).find((key) => !known.includes(key));
  if (unknown !== undefined)
    throw new UsageError(`${place}: unknown key "${unknown}"; known are ${known.join(', ')}`);
}

/** A file of accounts is shared and committed: a secret written into it deserves a word. */
function plainSecrets(document: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(SECTIONS).flatMap((section) => {
    const list = document[section];
    if (!Array.isArray(list)) return [];
    return list.flatMap((entry: unknown, index) =>
      SECRET_FIELDS.filter((key) => {
        const value = isRecord(entry) ? entry[key] : undefined;
        return typeof value === 'string' && !value.includes('${');
      }).map(
        (key) => `${section}[${index}].${key} stands in the file: write \${VARIABLE} and set the variable`,
      ),
    );
  });
}
