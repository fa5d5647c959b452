import { readdirSync, readFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

const FOLDER = new URL('../../docs/schema/', import.meta.url);

/** Enough of a list of faults to see what is wrong. */
const MAX_FAULTS = 5;

interface Validators {
  readonly published: ValidateFunction;
  /** Takes no field that the schema does not name. */
  readonly closed: ValidateFunction;
}

/** Compiled when an event of the type comes: it takes a while, and most tests see one type. Null for what is no type. */
const byType = new Map<unknown, Validators | null>();

/**
 * What is wrong with an event by the published schema of its type, in one line; null when nothing is. The schema leaves
 * every object open, since fields are added to the event; here an undocumented field is a fault too.
 */
export function eventFault(event: unknown): string | null {
  const type = typeof event === 'object' && event !== null && 'type' in event ? event.type : null;
  if (!byType.has(type)) byType.set(type, isPublished(type) ? compile(type) : null);
  const validators = byType.get(type) ?? null;
  if (validators === null) return `there is no schema of the type ${JSON.stringify(type)}`;
  for (const validate of [validators.published, validators.closed]) {
    if (validate(event)) continue;
    const faults = (validate.errors ?? []).map(({ instancePath, message, params }) =>
      [instancePath, message, JSON.stringify(params)].join(' '),
    );
    return faults.slice(0, MAX_FAULTS).join('; ');
  }
  return null;
}

/**
 * The same of a webhook request's body that says it is the event of its webhook-id. Other bodies are not judged: tests
 * send some of their own, and a transform makes anything.
 */
export function deliveredFault(id: string, body: Buffer): string | null {
  if (id === '' || !body.includes(`"id":"${id}"`)) return null;
  try {
    return eventFault(JSON.parse(body.toString()));
  } catch (error) {
    return `no JSON: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Reads the bytes of an event as a receiver would. Throws for what is no UTF-8, no JSON or no event of the published schema. */
export function readEvent(bytes: Uint8Array): unknown {
  const event: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  const fault = eventFault(event);
  if (fault !== null) throw new Error(`The event is not what docs/schema says: ${fault}`);
  return event;
}

function isPublished(type: unknown): type is string {
  return typeof type === 'string' && type !== 'event' && readdirSync(FOLDER).includes(`${type}.json`);
}

function compile(name: string): Validators {
  const schema = JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), 'utf8')) as object;
  const ajv = () => new Ajv2020({ allErrors: true, formats: { 'date-time': true } });
  return { published: ajv().compile(schema), closed: ajv().compile(closed(schema) as object) };
}

/** The schema with every object closed to properties that it does not name. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const entries = Object.entries(schema).map(([key, value]) => [key, closed(value)] as const);
  const own = Object.fromEntries(entries);
  return 'properties' in schema ? { ...own, additionalProperties: false } : own;
}
