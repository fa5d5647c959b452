import type { MailParser } from 'mailparser';
import { MAX_EVENT_BYTES } from './limits.ts';
import { cleanBody } from './text.ts';

/** The texts of a parsed message. */
export interface PartTexts {
  readonly text: string | null;
  readonly html: string | null;
  /** Whether a multipart of the message has no parts at all: its boundary is missing or never occurs. */
  readonly hasBrokenMultipart: boolean;
}

/** A part as mailparser keeps it once it has ended. */
interface Part {
  readonly contentType?: unknown;
  readonly textContent?: unknown;
  readonly children?: unknown;
}

const TEXT_TYPES = ['text/plain', 'message/delivery-status'];

/**
 * Reads the texts of a parser that has ended from its tree of parts. The texts it emits itself are joined already, with
 * marks between them (`<br/>`, empty lines) for parts of the other kind, and do not show a multipart without parts.
 * The tree is not in mailparser's types; the version is pinned, and tests tell when it is gone.
 */
export function readPartTexts(parser: MailParser): PartTexts {
  const text: string[] = [];
  const html: string[] = [];
  let hasBrokenMultipart = false;
  const open: Part[] = [partOf(Reflect.get(parser, 'tree'))];
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    const children = Array.isArray(part.children) ? part.children.map(partOf) : [];
    const type = String(part.contentType);
    if (type.startsWith('multipart/') && children.length === 0) hasBrokenMultipart = true;
    if (typeof part.textContent === 'string' && part.textContent !== '') {
      if (type === 'text/html') html.push(part.textContent);
      else if (TEXT_TYPES.includes(type)) text.push(part.textContent);
    }
    // In order of appearance, although taken from the end.
    open.push(...children.reverse());
  }
  return { text: joined(text), html: joined(html), hasBrokenMultipart };
}

function partOf(value: unknown): Part {
  return typeof value === 'object' && value !== null ? value : {};
}

/** One character beyond what an event can hold shows its builder that there was more. */
function joined(parts: readonly string[]): string | null {
  if (parts.length === 0) return null;
  const first = parts[0] ?? '';
  const whole = parts.length === 1 ? first : parts.join('\n');
  return cleanBody(whole.length > MAX_EVENT_BYTES ? whole.slice(0, MAX_EVENT_BYTES + 1) : whole);
}
