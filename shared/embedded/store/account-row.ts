import type { SQLInputValue } from 'node:sqlite';
import {
  type Account,
  type AccountError,
  type AccountSettings,
  formatServerAction,
  formatStartPolicy,
  parseServerAction,
  parseStartPolicy,
  type ServerAction,
  type StartPolicy,
} from '../../account.ts';
import { isoOf, msOf, nameKeyOf } from './context.ts';
import { slotOffsetSeconds } from './schedule.ts';

/** A row of `accounts`, as far as it is an Account. */
export interface AccountRow {
  readonly seq: number;
  readonly id: Account['id'];
  readonly login_id: Account['loginId'];
  readonly name: string;
  readonly protocol: Account['protocol'];
  readonly host: string;
  readonly port: number;
  readonly security: Account['security'];
  readonly username: string;
  readonly mailboxes: string;
  readonly interval_seconds: number;
  readonly start: string;
  readonly on_delivered: string;
  readonly on_failed: string;
  readonly delete_after_days: number | null;
  readonly max_size_bytes: number;
  readonly ca_pem: string | null;
  readonly tls_allow_invalid_certificate: number;
  readonly auth: Account['auth'];
  readonly credential: Account['credential'];
  readonly state: Account['state'];
  readonly reason: string | null;
  readonly held: number;
  readonly not_before: number | null;
  readonly consecutive_failures: number;
  readonly transitions: number;
  readonly last_poll_at: number | null;
  readonly last_success_at: number | null;
  readonly last_error: string | null;
  readonly created_at: string;
}

/** The account of a row. */
export function accountOf(row: AccountRow): Account {
  return {
    id: row.id,
    loginId: row.login_id,
    name: row.name,
    protocol: row.protocol,
    host: row.host,
    port: row.port,
    security: row.security,
    username: row.username,
    mailboxes: JSON.parse(row.mailboxes) as string[],
    intervalSeconds: row.interval_seconds,
    start: startOf(row.start),
    onDelivered: actionOf(row.on_delivered),
    onFailed: actionOf(row.on_failed),
    deleteAfterDays: row.delete_after_days,
    maxSizeBytes: row.max_size_bytes,
    caPem: row.ca_pem,
    tlsAllowInvalidCertificate: row.tls_allow_invalid_certificate !== 0,
    auth: row.auth,
    credential: row.credential,
    state: row.state,
    reason: row.reason,
    held: row.held,
    notBefore: isoOf(row.not_before),
    consecutiveFailures: row.consecutive_failures,
    transitions: row.transitions,
    lastPollAt: isoOf(row.last_poll_at),
    lastSuccessAt: isoOf(row.last_success_at),
    lastError: row.last_error === null ? null : (JSON.parse(row.last_error) as AccountError),
    createdAt: row.created_at,
  };
}

/** The columns of an account's settings and of what follows from them. */
export function settingsColumns(id: Account['id'], settings: AccountSettings): Record<string, SQLInputValue> {
  return {
    name: settings.name,
    name_key: nameKeyOf(settings.name),
    protocol: settings.protocol,
    host: settings.host,
    port: settings.port,
    security: settings.security,
    username: settings.username,
    mailboxes: JSON.stringify(settings.mailboxes),
    interval_seconds: settings.intervalSeconds,
    start: formatStartPolicy(settings.start),
    on_delivered: formatServerAction(settings.onDelivered),
    on_failed: formatServerAction(settings.onFailed),
    delete_after_days: settings.deleteAfterDays,
    max_size_bytes: settings.maxSizeBytes,
    ca_pem: settings.caPem,
    tls_allow_invalid_certificate: settings.tlsAllowInvalidCertificate ? 1 : 0,
    slot_offset: slotOffsetSeconds(id, settings.intervalSeconds),
  };
}

/** The columns of an account that are not settings. */
export function stateColumns(account: Account): Record<string, SQLInputValue> {
  return {
    id: account.id,
    login_id: account.loginId,
    auth: account.auth,
    credential: account.credential,
    state: account.state,
    reason: account.reason,
    held: account.held,
    not_before: msOf(account.notBefore),
    consecutive_failures: account.consecutiveFailures,
    transitions: account.transitions,
    last_poll_at: msOf(account.lastPollAt),
    last_success_at: msOf(account.lastSuccessAt),
    last_error: account.lastError === null ? null : JSON.stringify(account.lastError),
    created_at: account.createdAt,
  };
}

/** Reads a stored action; throws RangeError when it is none. */
export function actionOf(text: string): ServerAction {
  const action = parseServerAction(text);
  if (action === null) throw new RangeError(`Cannot read the stored action "${text}"`);
  return action;
}

function startOf(text: string): StartPolicy {
  const start = parseStartPolicy(text);
  if (start === null) throw new RangeError(`Cannot read the stored start "${text}"`);
  return start;
}
