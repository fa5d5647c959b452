import type { Address } from '../../../shared/event.ts';

/** `Name <address>`, or the half that is there. */
export function formatAddress({ name, address }: Address): string {
  if (name === null) return address ?? '';
  return address === null ? name : `${name} <${address}>`;
}
