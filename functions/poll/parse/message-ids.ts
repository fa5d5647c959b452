/** An id in angle brackets, or a bare word with an `@`, which some mailers write instead. */
const ID = /<([^<>]*)>|([^\s<>,;"]+)/g;

/**
 * The message ids of a Message-ID, In-Reply-To or References field (RFC 5322 section 3.6.4), each with angle brackets
 * and without the white space that folding put into it. Of a field with ids in brackets the words between are phrases
 * (section 4.5.4) and left out.
 */
export function readMessageIds(text: string): string[] {
  const bracketed: string[] = [];
  const bare: string[] = [];
  for (const [, inBrackets, word] of text.matchAll(ID)) {
    const id = inBrackets?.replace(/\s+/g, '');
    if (id) bracketed.push(`<${id}>`);
    if (word?.includes('@')) bare.push(`<${word}>`);
  }
  return bracketed.length > 0 ? bracketed : bare;
}
