/** What a secret is for: one key per purpose, so that who may open one kind cannot open the other. */
export type Purpose = 'mailbox-credential' | 'webhook-secret';

/** An encrypted secret with the version of its form in front; safe to store, useless without the key. */
export type Sealed = string & { readonly __sealed: true };

/** Seals and opens secrets. `owner` (an account or webhook id) is bound in: a value moved to another owner does not open. */
export interface Vault {
  seal(purpose: Purpose, owner: string, value: Uint8Array): Promise<Sealed>;
  /** Throws when the value was altered, belongs to another owner or purpose, or the key is another. */
  open(purpose: Purpose, owner: string, sealed: Sealed): Promise<Uint8Array>;
}
