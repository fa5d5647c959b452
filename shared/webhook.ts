import type { AccountId, WebhookId } from './identity.ts';
import type { Sealed } from './ports/vault.ts';

/** The longest that a webhook may be waited for. */
export const MAX_TIMEOUT_SECONDS = 30;

/** How a webhook may take attachments. */
export const ATTACHMENT_FORMS = ['link', 'inline', 'none'] as const;

/**
 * `link`: events say where the bytes can be fetched. `inline`: the bytes besides, of those that fit. `none`: events describe
 * them, and lead to no bytes of the message at all.
 */
export type Attachments = (typeof ATTACHMENT_FORMS)[number];

/** What the owner of a webhook decides. */
interface WebhookSettings {
  readonly name: string;
  /** Without userinfo; the whole of it counts as a secret where it is logged. */
  readonly url: string;
  /** The accounts whose events it takes; null for all, also those added later. */
  readonly accounts: readonly AccountId[] | null;
  /** Event types, `*` at the end matches any rest: `message.*`, `account.auth_failed`, `*`. */
  readonly events: readonly string[];
  readonly attachments: Attachments;
  /** From 1 to `MAX_TIMEOUT_SECONDS`. */
  readonly timeoutSeconds: number;
}

/** Why no delivery leaves for a webhook now. A disabled webhook has no `until`: its owner opens it. */
export interface Gate {
  readonly reason: 'retry-after' | 'disabled';
  readonly until: string | null;
}

/** One secret that signs; an old one signs along until `expiresAt`. */
export interface WebhookSecret {
  readonly sealed: Sealed;
  readonly expiresAt: string | null;
}

/** A registered URL with its secrets and its gate. */
export interface Webhook extends WebhookSettings {
  readonly id: WebhookId;
  /** Newest first, at most 3. */
  readonly secrets: readonly WebhookSecret[];
  /** Extra request headers as sealed JSON (`Record<string, string>`), because they may hold tokens; null for none. */
  readonly headers: Sealed | null;
  /** The names of the extra headers, for display. */
  readonly headerNames: readonly string[];
  readonly state: 'enabled' | 'disabled';
  /** Why it is disabled, in words; null when enabled. */
  readonly reason: string | null;
  readonly gate: Gate | null;
  readonly lastSuccessAt: string | null;
  readonly createdAt: string;
}

/** Whether a webhook with these event patterns takes an event of this type. */
export function takesEvent(patterns: readonly string[], type: string): boolean {
  return patterns.some((pattern) =>
    pattern.endsWith('*') ? type.startsWith(pattern.slice(0, -1)) : pattern === type,
  );
}
