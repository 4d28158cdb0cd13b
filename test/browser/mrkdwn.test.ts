import { array, assert, constantFrom, property } from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Inline, Passage } from '../../sandbox/page/browser/text/inline.ts';
import { parseMrkdwn } from '../../sandbox/page/browser/text/parse-mrkdwn.ts';

/** Writes parsed text down again in one line, so that a table of cases can be read. */
function write(nodes: readonly Inline[]): string {
  return nodes.map(writeNode).join('');
}

function writeNode(node: Inline): string {
  switch (node.kind) {
    case 'text':
      return node.text;
    case 'break':
      return '⏎';
    case 'styled':
      return `{${node.style} ${write(node.children)}}`;
    case 'code':
      return `{code ${write(node.children)}}`;
    case 'link':
      return `{link ${node.url} ${write(node.children)}}`;
    case 'user':
    case 'channel':
    case 'group':
      return `{${node.kind} ${node.id}}`;
    case 'broadcast':
      return `{broadcast ${node.range}}`;
    case 'emoji':
      return `{emoji ${node.name}}`;
    case 'date':
      return `{date ${node.timestampSeconds} ${node.format} ${node.url ?? '-'} ${node.fallback}}`;
    default:
      return node satisfies never;
  }
}

function writePassages(passages: readonly Passage[]): string {
  return passages.map(writePassage).join(' | ');
}

function writePassage(passage: Passage): string {
  const text = write(passage.children);
  return passage.kind === 'lines' ? text : `${passage.kind}: ${text}`;
}

describe('mrkdwn', () => {
  test.for([
    ['*bold* _italic_ ~strike~', '{bold bold} {italic italic} {strike strike}'],
    ['*bold _and italic_*', '{bold bold {italic and italic}}'],
    ['a*b*c and 2 * 3 * 4', 'a*b*c and 2 * 3 * 4'],
    ['snake_case_name', 'snake_case_name'],
    ['* not bold*', '* not bold*'],
    ['*not\nover lines*', '*not⏎over lines*'],
    ['**double**', '**double**'],
    ['`*code*` and `a', '{code *code*} and `a'],
    ['*a `*` b*', '{bold a {code *} b}'],
    ['<@U123> <@W9|maya> <#C1|database>', '{user U123} {user W9} {channel C1}'],
    ['<!subteam^S1|@oncall> <!here> <!channel>', '{group S1} {broadcast here} {broadcast channel}'],
    [
      '<https://a.example/x?a=1&amp;b=2|the *label*>',
      '{link https://a.example/x?a=1&b=2 the *label*}',
    ],
    ['<mailto:a@b.example>', '{link mailto:a@b.example a@b.example}'],
    ['<javascript:alert(1)|click>', '<javascript:alert(1)|click>'],
    ['see https://a.example/b.', 'see {link https://a.example/b https://a.example/b}.'],
    ['&lt;!channel&gt; &amp;lt; &quot;', '<!channel> &lt; &quot;'],
    [
      '<!date^1700000000^{date} at {time}^https://a.example/|then>',
      '{date 1700000000 {date} at {time} https://a.example/ then}',
    ],
    ['<!unknown^x|label>', '<!unknown^x|label>'],
    [':fire: :no_such_emoji: 10:30:45', '{emoji fire} :no_such_emoji: 10:30:45'],
    ['&gt; quoted\n&gt; more\nplain', 'quote: quoted⏎more | plain'],
    ['>>> all\nof it', 'quote: all⏎of it'],
    ['before\n```\n*a*\n<!here>```\nafter', 'before | preformatted: *a*⏎{broadcast here} | after'],
    ['an unclosed < and `tick', 'an unclosed < and `tick'],
  ])('%j reads as %j', ([source, expected]) => {
    expect(writePassages(parseMrkdwn(source ?? ''))).toBe(expected);
  });

  test('a bare address stays text in a verbatim text object', () => {
    const source = 'https://a.example and <https://b.example>';
    expect(writePassages(parseMrkdwn(source, { verbatim: true }))).toBe(
      'https://a.example and {link https://b.example https://b.example}',
    );
  });

  test('text whose three characters are escaped never becomes a mention or a link', () => {
    const marks = constantFrom(
      '<',
      '>',
      '&',
      '!',
      '@',
      '#',
      '|',
      '^',
      ';',
      'lt',
      'here',
      'U1',
      ' ',
    );
    assert(
      property(array(marks, { maxLength: 40 }), (parts) => {
        const escaped = parts
          .join('')
          .replaceAll('&', '&amp;')
          .replaceAll('<', '&lt;')
          .replaceAll('>', '&gt;');
        // An escaped line must not begin a quote either way; the quote is not what this is about.
        const written = writePassages(parseMrkdwn(`x${escaped}`));
        expect(written).toBe(`x${parts.join('')}`);
      }),
    );
  });

  test('no text makes the parser fail or lose its letters', () => {
    const pieces = constantFrom('*', '_', '~', '`', '```', '<', '>', '|', '\n', 'ab', ' ', '😀');
    assert(
      property(array(pieces, { maxLength: 60 }), (parts) => {
        const source = parts.join('');
        const letters = (text: string): number => text.split('ab').length;
        expect(letters(writePassages(parseMrkdwn(source)))).toBe(letters(source));
      }),
    );
  });

  test('3,000 opening marks are read within a second', () => {
    for (const mark of ['*a ', '_a ', '`a ', '<a ', '*_~a ', '```']) {
      const startedAt = performance.now();
      parseMrkdwn(mark.repeat(3000 / mark.length));
      expect(performance.now() - startedAt).toBeLessThan(1000);
    }
  });
});
