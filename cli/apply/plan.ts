import {
  formatServerAction,
  formatStartPolicy,
  parseServerAction,
  parseStartPolicy,
} from '../../shared/account.ts';
import { canonicalHost, canonicalMailbox } from '../../shared/identity.ts';
import { type Api, path } from '../api.ts';
import { UsageError } from '../errors.ts';
import type { ApplyFile, WantedEntry } from './apply-file.ts';

/** What is done to one account or webhook. */
export interface PlanStep {
  readonly kind: 'account' | 'webhook';
  readonly name: string;
  readonly action: 'create' | 'update' | 'unchanged';
  /** The names of the fields that differ. */
  readonly changes: readonly string[];
  /** The body of the request that does it; for an unchanged one what the API does not show and so cannot be compared. */
  readonly body: Readonly<Record<string, unknown>>;
  /** A signing secret that is to be the newest of a webhook that is there already. */
  readonly secret: string | null;
}

/** What the API takes and never shows, or takes only when something is added. */
const HIDDEN = ['password', 'caPem', 'headers'];
const ONLY_AT_CREATION = ['name', 'protocol', 'secret', 'skipTest'];

type Present = Readonly<Record<string, unknown>>;

/** Compares what the file wants with what is there; accounts come first, since webhooks name them. */
export async function planApply(api: Api, wanted: ApplyFile): Promise<PlanStep[]> {
  const accounts = byName((await api.list('/v1/accounts')).data);
  const webhooks = byName((await api.list('/v1/webhooks')).data);
  const names = new Map([...accounts].map(([key, account]) => [String(account.id), key]));
  const steps = wanted.accounts.map((entry) => accountStep(entry, accounts.get(nameKey(entry.name))));
  for (const entry of wanted.webhooks) {
    const present = webhooks.get(nameKey(entry.name));
    steps.push(
      present === undefined ? creation('webhook', entry) : await webhookStep(api, entry, present, names),
    );
  }
  return steps;
}

function byName(resources: readonly Present[]): Map<string, Present> {
  return new Map(resources.map((resource) => [nameKey(String(resource.name)), resource]));
}

function creation(kind: PlanStep['kind'], entry: WantedEntry): PlanStep {
  return { kind, name: entry.name, action: 'create', changes: [], body: entry.fields, secret: null };
}

function accountStep(entry: WantedEntry, present: Present | undefined): PlanStep {
  if (present === undefined) return creation('account', entry);
  const { protocol } = entry.fields;
  if (protocol !== undefined && protocol !== present.protocol) {
    throw new UsageError(`account "${entry.name}": its protocol cannot be changed, add another account`);
  }
  return compare('account', entry, (key, value) =>
    isSame(canonical(key, value), canonical(key, present[key])),
  );
}

async function webhookStep(
  api: Api,
  entry: WantedEntry,
  present: Present,
  names: ReadonlyMap<string, string>,
): Promise<PlanStep> {
  const step = compare('webhook', entry, (key, value) => {
    const there = present[key] ?? null;
    if (key !== 'accounts') return isSame(canonical(key, value), canonical(key, there));
    return isSame(accountNames(value, names), accountNames(there, names));
  });
  const { secret } = entry.fields;
  if (typeof secret !== 'string') return step;
  const shown = (await api.send('GET', path`/v1/webhooks/${entry.name}/secret`)) as Present;
  if (shown.secret === secret) return step;
  return { ...step, action: 'update', changes: [...step.changes, 'secret'], secret };
}

/** As the server tells names apart: not by case. */
function nameKey(name: string): string {
  return name.normalize('NFC').toLowerCase();
}

/** Ids or names as sorted names; one that is unknown yet stays what it is. */
function accountNames(accounts: unknown, names: ReadonlyMap<string, string>): unknown {
  return Array.isArray(accounts)
    ? accounts.map((account) => names.get(String(account)) ?? nameKey(String(account))).sort()
    : accounts;
}

function compare(
  kind: PlanStep['kind'],
  entry: WantedEntry,
  isPresent: (key: string, value: unknown) => boolean,
): PlanStep {
  const fields = Object.entries(entry.fields).filter(([key]) => !ONLY_AT_CREATION.includes(key));
  const hidden = fields.filter(([key]) => HIDDEN.includes(key));
  const changed = fields.filter(([key, value]) => !HIDDEN.includes(key) && !isPresent(key, value));
  const body = Object.fromEntries([...changed, ...hidden]);
  if (entry.fields.skipTest !== undefined) body.skipTest = entry.fields.skipTest;
  return {
    kind,
    name: entry.name,
    action: changed.length > 0 ? 'update' : 'unchanged',
    changes: changed.map(([key]) => key),
    body: changed.length + hidden.length > 0 ? body : {},
    secret: null,
  };
}

/** A value as the API would show it, so that two ways to write one thing are no difference. */
function canonical(key: string, value: unknown): unknown {
  if (typeof value === 'string') {
    if (key === 'host') return canonicalHost(value);
    if (key === 'url') return canonicalUrl(value);
    if (key === 'start') return mapKnown(parseStartPolicy(value), formatStartPolicy, value);
    if (key === 'onDelivered' || key === 'onFailed') {
      return mapKnown(parseServerAction(value), formatServerAction, value);
    }
  }
  if (key === 'mailboxes' && Array.isArray(value)) return value.map((name) => canonicalMailbox(String(name)));
  return value;
}

function mapKnown<Value>(value: Value | null, format: (value: Value) => string, text: string): string {
  return value === null ? text : format(value);
}

function canonicalUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null) return text;
  url.hash = '';
  return url.href;
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
