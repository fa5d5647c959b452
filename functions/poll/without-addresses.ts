const MAIL_ADDRESS = /[^\s<>"'()[\],;:]+@[^\s<>"'()[\],;:]+/g;

/** A text without mail addresses, which have no business in a log; servers put them into what they say. */
export function withoutAddresses(text: string): string {
  return text.replace(MAIL_ADDRESS, '…');
}
