import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { htmlToText } from '../../../../functions/poll/parse/html-text.ts';
import { parseMessage } from '../../../../functions/poll/parse/parse-message.ts';
import { eventOf, mail, parseJob } from '../../../support/parse-job.ts';

describe('htmlToText()', () => {
  it.each([
    ['paragraphs', '<p>Hi <b>the</b>re</p>\n\n<p>Two\n lines</p>', 'Hi there\n\nTwo lines'],
    ['breaks', 'a<br>b<br/><br>c<br><br><br><br>d', 'a\nb\n\nc\n\nd'],
    ['boxes in boxes', '<div>\n <div>a</div>\n</div><div><div>b</div></div>', 'a\nb'],
    ['lists', '<p>x</p><ul><li>a<li>b</ul><ol><li>c</li><li>d</li></ol>', 'x\n\n* a\n* b\n\n1. c\n2. d'],
    ['a list in a list', '<ol><li>a<ul><li>b</ul><li>c</ol>', '1. a\n* b\n2. c'],
    ['tables', '<table><tr><th>a</th><td>b</td></tr><tr><td>c<td>d</table>', 'a\tb\nc\td'],
    ['links', '<a href="https://x.example/?a=1&amp;b=2">shop</a>!', 'shop [https://x.example/?a=1&b=2]!'],
    ['links that are their text', '<a href="http://x.example/">x.example</a>', 'x.example'],
    [
      'links that no one can follow',
      '<a href="#a">a</a> <a href="javascript:b">b</a> <a name=c>c</a>',
      'a b c',
    ],
    ['quotes', '<blockquote>a<br>b<blockquote>c</blockquote></blockquote>d', '> a\n> b\n\n> > c\n\nd'],
    ['texts as they are laid out', '<pre>a\n  b\n\nc</pre>', 'a\n  b\n\nc'],
    ['pictures', '<img src="cid:a" alt="Logo"> <img src=b>x', 'Logo x'],
    [
      'characters',
      '&lt;b&gt; &eacute;&nbsp;&#8364; &#x1F600; &amp;lt; &nope; AT&T',
      '<b> é € 😀 &lt; &nope; AT&T',
    ],
    ['what is no tag', 'a < b, c <3 d > e', 'a < b, c <3 d > e'],
    ['nothing', '<html><head></head><body> \n </body></html>', ''],
  ])('lays out %s', (_, html, expected) => {
    expect(htmlToText(html)).toBe(expected);
  });

  it.each([
    '<style>p { color: red }</style>',
    '<STYLE>a > b</STYLE >',
    '<script>if (a<b) "</p>"</script>',
    '<title>t</title>',
    '<!-- c > -->',
    '<!--[if mso]><p>c</p><![endif]-->',
    '<!DOCTYPE html>',
    '<?xml version="1.0"?>',
    '<input value="a > b">',
    "<a title='x>y'>",
  ])('shows nothing of %s', (hidden) => {
    expect(htmlToText(`a${hidden}b`)).toBe('ab');
  });

  it('goes on where quotes do not match, and ends where a tag or a comment does not end', () => {
    expect(htmlToText('<p title="x>a</p><p>b</p>')).toBe('a\n\nb');
    expect(htmlToText('a<p')).toBe('a');
    expect(htmlToText('a<!-- b')).toBe('a');
    expect(htmlToText('a<style>b')).toBe('a');
  });

  it('shows every word of any page, in order', () => {
    const tag = fc.constantFrom(
      '<p>',
      '</p>',
      '<div>',
      '<b>',
      '</b>',
      '<li>',
      '<td>',
      '<br>',
      '<blockquote>',
      '<a href=http://x>',
      '</a>',
      '<pre>',
      ' ',
      '\n',
    );
    const word = fc.integer({ min: 0, max: 99_999 }).map((number) => `w${number}w`);
    fc.assert(
      fc.property(fc.array(fc.oneof(tag, word), { maxLength: 60 }), (pieces) => {
        const words = (text: string) => text.match(/w\d+w/g) ?? [];
        expect(words(htmlToText(pieces.join('')))).toEqual(words(pieces.join('')));
      }),
    );
  });

  it.each([
    ['<div>', 200_000],
    ['<b>x', 200_000],
    ['<table><tr><td>', 70_000],
    ['<ul><li>', 100_000],
    ['<blockquote>x', 70_000],
    ['<a href=http://x>y', 50_000],
    ['<a "\'>', 160_000],
    ['<a "', 250_000],
    ['<a \'>x"', 120_000],
    ['<', 1_000_000],
    ['<!--', 250_000],
    ['<!', 500_000],
    ['<script>', 120_000],
    ['&amp', 250_000],
    ['<br>', 250_000],
  ])('takes no time over %s, %d times', (piece, count) => {
    const before = performance.now();
    const text = htmlToText(piece.repeat(count));
    expect(performance.now() - before).toBeLessThan(5_000);
    expect(text.length).toBeLessThan(5_000_000);
  });
});

describe('parseMessage() on mail without a text of its own', () => {
  const textOf = async (...lines: string[]) => eventOf(await parseMessage(parseJob(mail(...lines)))).data;
  const alternative = (...texts: string[]) => [
    'Content-Type: multipart/alternative; boundary=b',
    ...[
      '',
      '--b',
      'Content-Type: text/plain',
      '',
      ...texts,
      '--b',
      'Content-Type: text/html',
      '',
      '<p>made</p>',
    ],
    '--b--',
  ];

  it('makes one of the html', async () => {
    const data = await textOf('Content-Type: text/html', '', '<p>Hi&nbsp;there</p>');
    expect(data).toMatchObject({ text: 'Hi there', html: '<p>Hi&nbsp;there</p>\n', truncated: [] });
  });

  it('makes one where the text is blank, and none where there is a text or nothing to show', async () => {
    expect((await textOf(...alternative(' '))).text).toBe('made');
    expect((await textOf(...alternative('own'))).text).toBe('own');
    expect((await textOf('Content-Type: text/html', '', '<img src=x>')).text).toBeNull();
  });
});
