import type { Attachment } from '../../../shared/event.ts';

/** What a message holds behind its header. */
export interface BodyContent {
  readonly text: string | null;
  readonly html: string | null;
  readonly attachments: readonly Attachment[];
  /** The names of the fields that were cut. */
  readonly truncated: readonly string[];
  /** Why (a part of) it could not be read; null when all was. */
  readonly problem: string | null;
}

/** The body of a message of which nothing but the header could be read, and why; null when it was not to be read. */
export function unreadBody(problem: string | null): BodyContent {
  return { text: null, html: null, attachments: [], truncated: ['text', 'html', 'attachments'], problem };
}
