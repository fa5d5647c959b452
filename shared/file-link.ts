import { createHash, timingSafeEqual } from 'node:crypto';
import { type EventId, parseEventId } from './identity.ts';

/** 128 random bits: whoever has them may fetch the files of one message, and nobody guesses them. */
const TOKEN_BYTES = 16;
const TOKEN = /^[A-Za-z0-9_-]{22}$/;
/** An attachment's id is its number; see `Attachment`. */
const ATTACHMENT_ID = /^[1-9][0-9]{0,3}$/;
const PATH_START = '/files/';

/** Links work for so long after their message was committed, unless the settings say otherwise. */
export const DEFAULT_LINK_DAYS = 30;
/** The longest that links may be asked to work. */
export const MAX_LINK_DAYS = 1_000;
/** Each link of an event begins with it, and an event has up to 500 links. */
export const MAX_PUBLIC_URL_CHARS = 120;

const DAY_MS = 86_400_000;

/** Where the links of one message begin, and what makes them work. */
export interface FileLink {
  /** 22 characters of base64url: kept with the event's record. */
  readonly token: string;
  /** `<public URL>/files/<event id>/<token>`, without a slash at its end. */
  readonly base: string;
}

/** What a link leads to. */
type LinkedFile = { readonly kind: 'raw' } | { readonly kind: 'attachment'; readonly id: string };

/** A link that came in a request; nothing of it is checked yet but its form. */
interface LinkRequest {
  readonly eventId: EventId;
  readonly token: string;
  readonly file: LinkedFile;
}

/**
 * A new link of a message.
 *
 * @param random Gives that many unpredictable bytes.
 */
export function newFileLink(
  publicUrl: string,
  eventId: EventId,
  random: (size: number) => Uint8Array,
): FileLink {
  const token = Buffer.from(random(TOKEN_BYTES)).toString('base64url');
  return { token, base: `${publicUrl}${PATH_START}${eventId}/${token}` };
}

/** The link of the message as its server gave it. */
export function rawHref(base: string): string {
  return `${base}/raw`;
}

/** The link of one attachment. */
export function attachmentHref(base: string, id: string): string {
  return `${base}/attachments/${id}`;
}

/** Reads the path of a link; null for any other, and for one that no link of ours has. */
export function parseLinkPath(path: string): LinkRequest | null {
  if (!path.startsWith(PATH_START)) return null;
  const [id = '', token = '', kind, attachment, ...rest] = path.slice(PATH_START.length).split('/');
  const eventId = parseEventId(id);
  if (eventId === null || !TOKEN.test(token) || rest.length > 0) return null;
  if (kind === 'raw' && attachment === undefined) return { eventId, token, file: { kind: 'raw' } };
  if (kind !== 'attachments' || attachment === undefined || !ATTACHMENT_ID.test(attachment)) return null;
  return { eventId, token, file: { kind: 'attachment', id: attachment } };
}

/** Whether a token is the one that is kept, in a time that says nothing of either; false where none is kept. */
export function isToken(given: string, kept: string | null): boolean {
  const isSame = timingSafeEqual(sha256(given), sha256(kept ?? ''));
  return isSame && kept !== null && TOKEN.test(kept);
}

/** When the links of a message end. */
export function linksExpireAt(committedAt: string, linkDays: number): Date {
  return new Date(Date.parse(committedAt) + linkDays * DAY_MS);
}

/**
 * The public URL as links begin with it, without a slash at its end; null where it is none: http or https, and no user,
 * query or fragment.
 */
export function parsePublicUrl(text: string): string | null {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) return null;
  if (url.username !== '' || url.password !== '' || /[?#]/.test(text)) return null;
  const href = url.href.replace(/\/+$/, '');
  return href.length <= MAX_PUBLIC_URL_CHARS ? href : null;
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest();
}
