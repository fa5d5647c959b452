import type { z } from 'zod';
import type { FieldError } from './problem.ts';

/** More than these say nothing more to a person. */
const MAX_ERRORS = 20;

/** Zod's issues as field errors: one per unknown key, and a missing field said to be missing. No input value is shown. */
export function fieldErrors(issues: readonly z.core.$ZodIssue[], input: unknown): FieldError[] {
  return issues.flatMap((issue) => fieldErrorsOf(issue, input)).slice(0, MAX_ERRORS);
}

function fieldErrorsOf(issue: z.core.$ZodIssue, input: unknown): FieldError[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: formatPath([...issue.path, key]),
      message: `Unknown key "${key.slice(0, 100)}"`,
    }));
  }
  const path = formatPath(issue.path);
  const isMissing = issue.path.length > 0 && valueAt(input, issue.path) === undefined;
  if (isMissing) return [{ path, message: 'is missing' }];
  return [{ path, message: issue.message }];
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Readonly<Record<PropertyKey, unknown>>)[key];
  }
  return value;
}

/** `mailboxes[1]`, `headers.X-Token`. */
function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    const name = String(key).slice(0, 100);
    return text === '' ? name : `${text}.${name}`;
  }, '');
}
