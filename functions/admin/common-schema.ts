import { z } from 'zod';
import { PROBLEM_CODES } from './problem.ts';

/** Rows of a page: what is asked for at most, and without asking. */
const MAX_PAGE = 500;
const DEFAULT_PAGE = 100;
const MAX_CURSOR_LENGTH = 1_000;
const MAX_NAME_LENGTH = 100;

/** A name of an account or a webhook: one printable line, and not to be mistaken for an id. */
export const nameSchema = z
  .string()
  .min(1, 'must not be empty')
  .max(MAX_NAME_LENGTH, `must have at most ${MAX_NAME_LENGTH} characters`)
  .regex(/^[^\p{C}\p{Zl}\p{Zp}]*$/u, 'must be one line of printable characters')
  .refine((name) => name.trim() === name, 'must not begin or end with a space')
  .refine((name) => !/^(acc|wh|msg)_/.test(name), 'must not look like an id');

/** An id or a name, as it stands in a path or a query. */
export const referenceSchema = z.string().min(1, 'must not be empty').max(MAX_NAME_LENGTH);

/** A time in an answer: ISO 8601 UTC. */
export const timeSchema = z.iso.datetime();

/** A time in a request, read to a Date: a date, or a date with a time and an offset. */
export const sinceSchema = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()], {
    error: 'must be a date or a time in ISO 8601, 2026-01-31T08:00:00Z for example',
  })
  .transform((text) => new Date(text));

/** The query of every list. */
export const pageQueryShape = {
  cursor: z.string().max(MAX_CURSOR_LENGTH).optional(),
  limit: z
    .string()
    .regex(/^\d{1,6}$/, `must be a number from 1 to ${MAX_PAGE}`)
    .transform(Number)
    .pipe(z.int().min(1).max(MAX_PAGE))
    .default(DEFAULT_PAGE),
};

/** The query of a list that has no filter. */
export const pageQuerySchema = z.strictObject(pageQueryShape);

/** A list as the API gives it: `next` is the cursor of the next page, null on the last. */
export function listSchema<Item extends z.ZodType>(
  item: Item,
): z.ZodObject<{ data: z.ZodArray<Item>; next: z.ZodNullable<z.ZodString> }> {
  return z.object({ data: z.array(item), next: z.string().nullable() });
}

/** What a removal answers. */
export const removedSchema = z.object({ id: z.string(), name: z.string(), removed: z.literal(true) });

/** RFC 9457 problem details. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string().meta({ description: `Stable. One of: ${PROBLEM_CODES.join(', ')}` }),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});

/** Refuses what will come later instead of ignoring it: anything may stand here, and only null passes the handler. */
export const laterSchema = z.unknown().optional();
