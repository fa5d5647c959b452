import { parseCidr } from '../egress/address.ts';
import { parsePublicUrl } from '../file-link.ts';

/** The settings that this project reads are named so; another one with this beginning is a mistake. */
const PREFIX = 'MAILHOOK_';
const MAX_QUOTED_CHARS = 200;

/** An environment that the function cannot run in; the message names the variable and what it must be. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError';
}

/** One setting: the variable it stands in, and how it is read. */
export interface Variable<Value> {
  readonly name: `${typeof PREFIX}${string}`;
  /** Throws EnvironmentError. */
  read(text: string): Value;
}

type Variables<Config> = { readonly [Key in keyof Config]: Variable<Config[Key]> };

/**
 * Reads a function's settings once, at its start. All of them must be there, and no other that begins with `MAILHOOK_`: a
 * misspelt one would otherwise be a setting that does nothing. Throws EnvironmentError.
 */
export function readEnvironment<Config extends object>(
  env: NodeJS.ProcessEnv,
  variables: Variables<Config>,
): Readonly<Config> {
  const entries = Object.entries<Variable<unknown>>(variables);
  const known = new Set<string>(entries.map(([, { name }]) => name));
  const unknown = Object.keys(env).find((name) => name.startsWith(PREFIX) && !known.has(name));
  if (unknown !== undefined) {
    throw new EnvironmentError(`Cannot start with ${unknown}: there is no such setting of this function`);
  }
  const values = entries.map(([key, { name, read }]) => {
    const text = env[name];
    if (text === undefined) throw new EnvironmentError(`Cannot start without ${name}: it must be set`);
    return [key, read(text)] as const;
  });
  return Object.freeze(Object.fromEntries(values)) as Readonly<Config>;
}

/** Any text but none. */
export function text(name: Variable<string>['name']): Variable<string> {
  return {
    name,
    read: (value) => (value === '' ? refuse(name, value, 'it must not be empty') : value),
  };
}

/** One of these words. */
export function oneOf<const Word extends string>(
  name: Variable<Word>['name'],
  words: readonly Word[],
): Variable<Word> {
  return {
    name,
    read: (value) =>
      words.find((word) => word === value) ?? refuse(name, value, `give ${words.join(' or ')}`),
  };
}

/** A whole number in these bounds, both included. */
export function whole(name: Variable<number>['name'], least: number, most: number): Variable<number> {
  return {
    name,
    read(value) {
      const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
      if (number >= least && number <= most) return number;
      return refuse(name, value, `give a whole number from ${least} to ${most}`);
    },
  };
}

/** A URL that links begin with; see `parsePublicUrl`. */
export function publicUrl(name: Variable<string>['name']): Variable<string> {
  return {
    name,
    read: (value) =>
      parsePublicUrl(value) ?? refuse(name, value, 'give an http or https URL without a query'),
  };
}

/** Ranges of addresses with commas between them; the empty text for none. */
export function ranges(name: Variable<readonly string[]>['name']): Variable<readonly string[]> {
  return {
    name,
    read(value) {
      const parts = value === '' ? [] : value.split(',');
      const wrong = parts.find((part) => parseCidr(part) === null);
      return wrong === undefined ? parts : refuse(name, value, `"${wrong}" is no range such as 10.0.0.0/8`);
    },
  };
}

function refuse(name: string, value: string, reason: string): never {
  throw new EnvironmentError(`Cannot use ${name} "${value.slice(0, MAX_QUOTED_CHARS)}": ${reason}`);
}
