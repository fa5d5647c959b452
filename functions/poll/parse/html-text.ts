import { decodeHTML } from 'entities';
import { readTag } from './html-tag.ts';
import { MAX_URI_CHARS } from './limits.ts';
import { TextLayout } from './text-layout.ts';

/** Elements whose content is not shown, or not as text. */
const HIDDEN: ReadonlyMap<string, RegExp> = new Map(
  ['script', 'style', 'title', 'template', 'textarea', 'svg', 'xml'].map((name) => [
    name,
    new RegExp(`</${name}[\\s/>]`, 'gi'),
  ]),
);

/** Elements with an empty line in front and behind. */
const PARAGRAPHS = new Set('p h1 h2 h3 h4 h5 h6 ul ol dl blockquote pre table hr figure fieldset'.split(' '));

/** Elements that begin a line and end one. */
const LINES = new Set(
  'div tr li dt dd section article header footer main nav aside address form center caption body html'.split(
    ' ',
  ),
);

/**
 * The text that a page of HTML shows: lines and paragraphs where its elements make them, list marks, `> ` in front of what
 * is quoted, a tab between the cells of a row, and the address of a link in brackets behind its text. For mail that brings
 * no text of its own.
 *
 * One pass over the characters with no tree and no recursion, so that its time is linear and its memory a few times the
 * text's, however the elements are nested. Styles are not looked at: what they hide is in the text.
 */
export function htmlToText(html: string): string {
  const page = new Page();
  let at = 0;
  let isQuoteAware = true;
  while (at < html.length) {
    const open = html.indexOf('<', at);
    page.text(html.slice(at, open < 0 ? html.length : open));
    if (open < 0) break;
    const read = readTag(html, open, isQuoteAware);
    // Once quotes do not match they are not looked at any more: that keeps the time linear.
    isQuoteAware &&= read.isQuoted;
    if (read.tag !== null) page.tag(read.tag.name, read.tag.isClosing, read.tag.attributes);
    if (read.isText) page.text('<');
    at = read.tag === null || read.tag.isClosing ? read.end : behindHidden(html, read.tag.name, read.end);
  }
  return page.end();
}

/** Behind the content of an element that is not shown; behind the tag of any other. */
function behindHidden(html: string, name: string, end: number): number {
  const close = HIDDEN.get(name);
  if (close === undefined) return end;
  close.lastIndex = end;
  // The tag that closes it shows nothing and may be read as any other.
  return close.exec(html)?.index ?? html.length;
}

/** What was read of a page. */
class Page {
  readonly #layout = new TextLayout();
  /** Numbers of the next items of the lists around; null for a list that is not numbered. */
  readonly #lists: (number | null)[] = [];
  #link: { readonly href: string; text: string } | null = null;

  text(source: string): void {
    if (source === '') return;
    const text = source.includes('&') ? decodeHTML(source) : source;
    if (this.#link !== null && this.#link.text.length <= MAX_URI_CHARS) this.#link.text += text;
    this.#layout.text(text);
  }

  tag(name: string, isClosing: boolean, attributes: (name: string) => string | null): void {
    if (name === 'br') this.#layout.lineBreak();
    else if (name === 'a') this.#anchor(isClosing, attributes);
    else if (name === 'img') this.text(attributes('alt') ?? '');
    else if (name === 'td' || name === 'th') {
      if (!isClosing) this.#layout.cell();
    } else if (PARAGRAPHS.has(name)) this.#paragraph(name, isClosing);
    else if (LINES.has(name)) {
      this.#layout.line();
      if (name === 'li' && !isClosing) this.#layout.mark(this.#itemMark());
    }
  }

  end(): string {
    return this.#layout.end();
  }

  #paragraph(name: string, isClosing: boolean): void {
    if (name === 'ul' || name === 'ol') this.#list(name === 'ol', isClosing);
    // A list inside of another one follows its item without an empty line.
    else this.#layout.paragraph();
    if (name === 'blockquote') this.#layout.quote(isClosing ? -1 : 1);
    if (name === 'pre') this.#layout.keepSpaces(!isClosing);
  }

  #list(isNumbered: boolean, isClosing: boolean): void {
    if (isClosing) this.#lists.pop();
    if (this.#lists.length > 0) this.#layout.line();
    else this.#layout.paragraph();
    if (!isClosing) this.#lists.push(isNumbered ? 1 : null);
  }

  #itemMark(): string {
    const number = this.#lists.at(-1) ?? null;
    if (number === null) return '* ';
    this.#lists[this.#lists.length - 1] = number + 1;
    return `${number}. `;
  }

  #anchor(isClosing: boolean, attributes: (name: string) => string | null): void {
    const { href, text } = this.#link ?? { href: '', text: '' };
    this.#link = null;
    if (href !== '' && text.trim() !== '' && !isSameLink(text.trim(), href)) this.#layout.text(` [${href}]`);
    if (isClosing) return;
    const target = decodeHTML(attributes('href') ?? '').trim();
    const isShown = /^https?:/i.test(target) && target.length <= MAX_URI_CHARS;
    this.#link = isShown ? { href: target, text: '' } : null;
  }
}

/** Whether the text of a link says where it leads. */
function isSameLink(text: string, href: string): boolean {
  return bare(text) === bare(href);
}

function bare(link: string): string {
  return link.replace(/^https?:\/\//i, '').replace(/\/$/, '');
}
