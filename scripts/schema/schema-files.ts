import { z } from 'zod';
import { eventSchemas } from '../../shared/event-schema.ts';

/** The schema that takes every event, by its type. */
const EVERY = z
  .discriminatedUnion('type', [
    eventSchemas['message.received'],
    eventSchemas['message.quarantined'],
    eventSchemas['account.auth_failed'],
    eventSchemas['mailbox.reset'],
    eventSchemas['flood.held'],
    eventSchemas['webhook.test'],
  ])
  .meta({ title: 'The body of a webhook request of mailhook' });

/**
 * The published schemas as name and text: `event.json` for every event, and one file for each type. Each stands alone, and
 * none forbids a field that it does not know, since fields are added (JSON Schema 2020-12).
 */
export function schemaFiles(): ReadonlyMap<string, string> {
  const schemas = [['event', EVERY], ...Object.entries(eventSchemas)] as const;
  return new Map(schemas.map(([name, schema]) => [`${name}.json`, textOf(name, schema)]));
}

function textOf(name: string, schema: z.ZodType): string {
  // What comes in is what goes out here, and the schema of what comes in leaves objects open.
  const { $schema, ...rest } = z.toJSONSchema(schema, { target: 'draft-2020-12', io: 'input' });
  return `${JSON.stringify({ $schema, $id: `urn:mailhook:schema:${name}`, ...rest }, null, 2)}\n`;
}
