import type { MailParser } from 'mailparser';

/**
 * Whether some multipart of a message that a parser has read to the end has no parts in it: its boundary is missing or
 * never occurs (RFC 2046 section 5.1.1), and mailparser dropped what it held without a word. The tree of parts is not
 * in mailparser's types; the version is pinned, and tests tell when it is gone.
 */
export function hasBrokenMultipart(parser: MailParser): boolean {
  const open = [Reflect.get(parser, 'tree')];
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    const children = childrenOf(part);
    if (children.length === 0 && isMultipart(part)) return true;
    open.push(...children);
  }
  return false;
}

function childrenOf(part: unknown): readonly object[] {
  const children = isObject(part) ? Reflect.get(part, 'children') : null;
  return Array.isArray(children) ? children.filter(isObject) : [];
}

function isMultipart(part: unknown): boolean {
  return isObject(part) && String(Reflect.get(part, 'contentType')).startsWith('multipart/');
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
