/**
 * Bounds of an event and of the work to make one. Mail is hostile input: every list and every text in the event has
 * a limit here, and what was cut is named in the event's `truncated`.
 *
 * The byte limits count the JSON of a field. Together those of the header fields stay under 850 KiB, so that an event
 * always fits into `MAX_EVENT_BYTES` once html and text are cut to what is left.
 */

/** The body of a webhook request (design: html is cut first, then text). */
export const MAX_EVENT_BYTES = 1024 * 1024;

/** What a text that was made from html may take of an event that is full of html. */
export const MIN_DERIVED_TEXT_BYTES = 64 * 1024;

/**
 * How far the header reader looks. Real header sections have some 50 fields; the fields behind a list of 100,000
 * recipients on as many lines are still found, and reading as many lines takes 50 ms.
 */
export const MAX_HEADER_LINES = 500_000;
export const MAX_HEADER_FIELDS = 10_000;
/** Of one field, and of all fields of one name together: about 2,000 recipients, more than `MAX_ADDRESSES`. */
export const MAX_FIELD_BYTES = 64 * 1024;
/** RFC 5322 section 2.1.1 has 998 for the whole line; a longer name is not one. */
export const MAX_FIELD_NAME_BYTES = 256;

export const MAX_HEADERS = { count: 1_000, bytes: 192 * 1024 } as const;
export const MAX_HEADER_VALUE_CHARS = 16 * 1024;

/** For each of authors, replyTo, to, cc, bcc. */
export const MAX_ADDRESSES = { count: 1_000, bytes: 64 * 1024 } as const;
/** RFC 5321 section 4.5.3.1 allows 320 for an address; names are free text. */
export const MAX_ADDRESS_CHARS = 1_000;

export const MAX_REFERENCES = { count: 500, bytes: 32 * 1024 } as const;
/** The longest line of RFC 5322 section 2.1.1, which an id cannot fold across. */
export const MAX_ID_CHARS = 998;
export const MAX_SUBJECT_CHARS = 4_000;
export const MAX_UNSUBSCRIBE = { count: 20, bytes: 16 * 1024 } as const;
export const MAX_URI_CHARS = 2_000;
/** Each of flags and labels; what IMAP servers list is the servers' input. */
export const MAX_FLAGS = { count: 500, bytes: 32 * 1024 } as const;
export const MAX_FLAG_CHARS = 1_000;

export const MAX_ATTACHMENTS = { count: 500, bytes: 128 * 1024 } as const;
/** What file systems take. */
export const MAX_FILENAME_CHARS = 255;

/**
 * MIME parts of a message, which bounds their nesting too; mailparser reads no further in a message that has more.
 * 999 nested parts took 0.1 s.
 */
export const MAX_PARTS = 1_000;
/**
 * The header of one part. mailparser keeps every line of them, and counts one for 64 bytes at least: 1,000 parts then
 * have half a million lines, which took 120 MB.
 */
export const MAX_PART_HEADER_BYTES = 32 * 1024;
/** A field that describes a content; a longer one counts as missing. */
export const MAX_CONTENT_FIELD_BYTES = MAX_PART_HEADER_BYTES;

/** How often a part without its boundary may be read again by another one inside of such a part. */
export const MAX_RESCUES = 3;

/** Of all text parts before their charsets are decoded: at four bytes a character as much as an event can hold. */
export const MAX_TEXT_BYTES = 4 * MAX_EVENT_BYTES;

/** One line of an error of the parser. */
export const MAX_ERROR_CHARS = 200;
