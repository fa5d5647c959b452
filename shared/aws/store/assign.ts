import type { Value } from './marshal.ts';

/** Attributes and the values they are given; null for those that are removed. */
export type Assignable = Readonly<Record<string, Value | null>>;

/** The expression of an update that gives attributes their values; what is null is removed. */
export interface Assignment {
  readonly update: string;
  readonly values: Readonly<Record<string, Value>>;
}

/**
 * Makes the update expression of a record: each value goes by the placeholder of its attribute's name, so conditions beside
 * it use other names. `adds` is added to numbers, which count from 0 where there is none; `initial` is given where there is
 * no value yet.
 */
export function assign(
  record: Assignable,
  adds: Readonly<Record<string, number>> = {},
  initial: Readonly<Record<string, Value>> = {},
): Assignment {
  const set = Object.entries(record).filter(([, value]) => value !== null);
  const removed = Object.keys(record).filter((name) => record[name] === null);
  const added = Object.keys(adds);
  const settings = [
    ...set.map(([name]) => `${name} = :${name}`),
    ...Object.keys(initial).map((name) => `${name} = if_not_exists(${name}, :${name})`),
  ];
  const clauses = [
    settings.length > 0 ? `SET ${settings.join(', ')}` : null,
    removed.length > 0 ? `REMOVE ${removed.join(', ')}` : null,
    added.length > 0 ? `ADD ${added.map((name) => `${name} :${name}`).join(', ')}` : null,
  ];
  return {
    update: clauses.filter((clause) => clause !== null).join(' '),
    values: Object.fromEntries(
      [...set, ...Object.entries(initial), ...Object.entries(adds)].flatMap(([name, value]) =>
        value === null ? [] : [[`:${name}`, value] as const],
      ),
    ),
  };
}
