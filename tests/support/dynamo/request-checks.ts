import type { Values } from './condition.ts';
import { validationError } from './validation-error.ts';

/** DynamoDB refuses values that no expression names, and names that have no value. */
export function checkValues(values: Values, named: readonly (ReadonlySet<string> | undefined)[]): void {
  const used = new Set(named.flatMap((names) => [...(names ?? [])]));
  const missing = [...used].find((name) => values[name] === undefined);
  if (missing !== undefined)
    throw validationError(`An expression attribute value is not defined: ${missing}`);
  const unused = Object.keys(values).find((name) => !used.has(name));
  if (unused !== undefined) throw validationError(`Value unused in expressions: ${unused}`);
}
