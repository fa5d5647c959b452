import { readdirSync, readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type { z } from 'zod';
import { schemaFiles } from '../../scripts/schema/schema-files.ts';
import type { EventDataByType } from '../../shared/event.ts';
import { eventSchemas, messageDataSchema } from '../../shared/event-schema.ts';
import type { AccountId, EventId, WebhookId } from '../../shared/identity.ts';
import { eventFault } from '../support/event-schema.ts';
import { parseJob } from '../support/parse-job.ts';

/** A type without `readonly` and without the brands of ids, which JSON does not have. */
type Plain<T> = T extends AccountId | EventId | WebhookId
  ? string
  : T extends readonly (infer Item)[]
    ? Plain<Item>[]
    : T extends object
      ? { -readonly [Key in keyof T]: Plain<T[Key]> }
      : T;
type SchemaData = {
  -readonly [Type in keyof typeof eventSchemas]: z.output<(typeof eventSchemas)[Type]>['data'];
};

const FOLDER = new URL('../../docs/schema/', import.meta.url);
const { id, account, source } = parseJob('');
const timestamp = '2026-11-25T12:00:00.000Z';
const received = () => ({
  type: 'message.received',
  timestamp,
  data: {
    ...{ id, account, source, backfill: false, receivedAt: timestamp, date: null, messageId: null },
    ...{
      inReplyTo: null,
      references: [],
      from: null,
      authors: [],
      sender: null,
      replyTo: [],
      to: [],
      cc: [],
    },
    ...{ bcc: [], subject: null, text: null, html: null, headers: [], flags: [], labels: [], size: 0 },
    ...{ attachments: [], list: null, autoSubmitted: null, raw: { href: null, sha256: null }, truncated: [] },
    parseError: null,
  },
});

describe('the schema of the events', () => {
  it('says of every type what the TypeScript types say', () => {
    expectTypeOf<SchemaData>().toEqualTypeOf<Plain<EventDataByType>>();
  });

  it('is published as docs/schema has it (npm run schema)', () => {
    const published = readdirSync(FOLDER).map((name) => [name, readFileSync(new URL(name, FOLDER), 'utf8')]);
    expect(Object.fromEntries(published)).toEqual(Object.fromEntries(schemaFiles()));
  });

  it('describes every field of a mail, and docs/event.md has them all', () => {
    const guide = readFileSync(new URL('../../docs/event.md', import.meta.url), 'utf8');
    for (const name of Object.keys(messageDataSchema.shape)) expect(guide).toContain(`\`${name}\``);
    for (const type of Object.keys(eventSchemas)) expect(guide).toContain(`\`${type}\``);
  });

  it('forbids no field that may be added later', () => {
    for (const text of schemaFiles().values()) expect(text).not.toContain('additionalProperties');
  });
});

it('event.json takes what the schema of the type takes, and nothing else', () => {
  const every = JSON.parse(readFileSync(new URL('event.json', FOLDER), 'utf8')) as object;
  const validate = new Ajv2020({ formats: { 'date-time': true } }).compile(every);
  expect(validate(received())).toBe(true);
  expect(validate({ ...received(), type: 'flood.held' })).toBe(false);
});

describe('eventFault()', () => {
  it('takes an event of a mail', () => {
    expect(eventFault(received())).toBeNull();
  });

  it.each([
    ['a missing field', ({ data: { subject: _, ...data } }: ReturnType<typeof received>) => ({ data })],
    [
      'a field that is not documented',
      ({ data }: ReturnType<typeof received>) => ({ data: { ...data, x: 1 } }),
    ],
    ['another type', () => ({ type: 'message.read' })],
    ['a time with an offset', () => ({ timestamp: '2026-11-25T12:00:00.000+01:00' })],
    [
      'an address that is text',
      ({ data }: ReturnType<typeof received>) => ({ data: { ...data, to: ['a@b'] } }),
    ],
  ])('finds %s', (_, change) => {
    const event = received();
    expect(eventFault({ ...event, ...change(event) })).not.toBeNull();
  });
});
