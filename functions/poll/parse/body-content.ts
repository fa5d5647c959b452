import type { Attachment } from '../../../shared/event.ts';

/** What a message holds behind its header. */
export interface BodyContent {
  readonly text: string | null;
  /** Whether `text` was made from `html`: it must not take the room that `html` needs. */
  readonly isTextDerived: boolean;
  readonly html: string | null;
  readonly attachments: readonly Attachment[];
  /** The names of the fields that were cut. */
  readonly truncated: readonly string[];
  /** Why (a part of) it could not be read; null when all was. */
  readonly problem: string | null;
}

/** The body of a message of which nothing but the header could be read, and why; null when it was not to be read. */
export function unreadBody(problem: string | null): BodyContent {
  const truncated = ['text', 'html', 'attachments'];
  return { text: null, isTextDerived: false, html: null, attachments: [], truncated, problem };
}
