import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { EgressPolicy } from '../shared/egress/egress.ts';
import {
  DEFAULT_LINK_DAYS,
  MAX_LINK_DAYS,
  MAX_PUBLIC_URL_CHARS,
  parsePublicUrl,
} from '../shared/file-link.ts';
import { DEFAULT_RETENTION_DAYS, MAX_RETENTION_DAYS } from '../shared/retention.ts';

/** Where and how mailhook runs on one machine. */
export interface LocalConfig {
  readonly port: number;
  readonly folder: string;
  readonly egress: EgressPolicy;
  /** What the links of messages begin with; null for the address of this server. */
  readonly publicUrl: string | null;
  /** Links work so long after their message was committed. */
  readonly linkDays: number;
  readonly log: 'text' | 'json';
  /** Events and deliveries are kept so long after their end. */
  readonly retentionDays: number;
}

/** The same bounds as on AWS. */
const LINK_DAYS = { usual: DEFAULT_LINK_DAYS, most: MAX_LINK_DAYS } as const;
const RETENTION_DAYS = { usual: DEFAULT_RETENTION_DAYS, most: MAX_RETENTION_DAYS } as const;

/** A setting that cannot be used; the message names it, its value and what it may be. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Reads the settings once, from the environment and the command line; throws ConfigError for one it cannot use. */
export function readConfig(env: NodeJS.ProcessEnv, args: readonly string[]): LocalConfig {
  return Object.freeze({
    port: readPort(env.MAILHOOK_PORT),
    folder: resolve(env.MAILHOOK_DATA || fileURLToPath(new URL('../.mailhook', import.meta.url))),
    egress: readEgress(env.MAILHOOK_EGRESS),
    publicUrl: readPublicUrl(env.MAILHOOK_PUBLIC_URL),
    linkDays: readDays('MAILHOOK_LINK_DAYS', env.MAILHOOK_LINK_DAYS, LINK_DAYS),
    log: readLog(args),
    retentionDays: readDays('MAILHOOK_RETENTION_DAYS', env.MAILHOOK_RETENTION_DAYS, RETENTION_DAYS),
  });
}

function readPort(text: string | undefined): number {
  if (text === undefined || text === '') return 8025;
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new ConfigError(
    `Cannot listen on MAILHOOK_PORT "${text}": give a number from 1 to 65535, or 0 for any free port`,
  );
}

function readEgress(text: string | undefined): EgressPolicy {
  if (text === undefined || text === '') return 'private-ok';
  if (text === 'public' || text === 'private-ok') return text;
  throw new ConfigError(`Cannot use MAILHOOK_EGRESS "${text}": give public or private-ok`);
}

function readPublicUrl(text: string | undefined): string | null {
  if (text === undefined || text === '') return null;
  const url = parsePublicUrl(text);
  if (url !== null) return url;
  // One with a user is not shown: there is mostly a password behind it.
  const shown = text.includes('@') ? '' : ` "${text}"`;
  throw new ConfigError(
    `Cannot use MAILHOOK_PUBLIC_URL${shown}: give http://host or https://host, at most ${MAX_PUBLIC_URL_CHARS} characters, without a user or a query`,
  );
}

function readDays(
  name: string,
  text: string | undefined,
  { usual, most }: { readonly usual: number; readonly most: number },
): number {
  if (text === undefined || text === '') return usual;
  const days = Number(text);
  if (/^\d{1,4}$/.test(text) && days >= 1 && days <= most) return days;
  throw new ConfigError(`Cannot use ${name} "${text}": give a whole number of days from 1 to ${most}`);
}

function readLog(args: readonly string[]): LocalConfig['log'] {
  let log: string | undefined;
  try {
    ({ log } = parseArgs({ args: [...args], options: { log: { type: 'string' } } }).values);
  } catch (error) {
    throw new ConfigError(
      `${error instanceof Error ? error.message : String(error)} (the only option is --log text|json)`,
    );
  }
  if (log === undefined || log === 'text' || log === 'json') return log ?? 'text';
  throw new ConfigError(`Cannot use --log "${log}": give text or json`);
}
