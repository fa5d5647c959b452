import { isRecord } from '../api.ts';
import { UsageError } from '../errors.ts';

/**
 * Replaces `${VARIABLE}` in every text of a document by the variable's value; `$${` stands for a plain `${`. It happens
 * after the file was read, so that a value can change no structure. Throws UsageError for a variable that is not set.
 */
export function substitute(value: unknown, env: NodeJS.ProcessEnv, place: string): unknown {
  if (typeof value === 'string') return substituteText(value, env, place);
  if (Array.isArray(value)) return value.map((item, index) => substitute(item, env, `${place}[${index}]`));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [
      key,
      substitute(part, env, place === '' ? key : `${place}.${key}`),
    ]),
  );
}

function substituteText(text: string, env: NodeJS.ProcessEnv, place: string): string {
  return text.replace(/\$(\$\{)|\$\{([^}]*)\}/g, (_match, escaped: string | undefined, name = '') => {
    if (escaped !== undefined) return escaped;
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      throw new UsageError(`${place}: write a variable as \${NAME}`);
    }
    const found = env[name];
    if (found !== undefined && found !== '') return found;
    throw new UsageError(`${place}: the environment variable "${name}" is not set`);
  });
}
