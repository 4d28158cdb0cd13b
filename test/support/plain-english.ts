const mostWords = 20;

/** What sounds translated, and what docs/words.md has another word for. */
const banned: readonly RegExp[] = [
  /\bwhoever\b/i,
  /\bnobody has\b/i,
  /\b(?:is|are|was|were|be|been|being) told\b/i,
  /\bfor want of\b/i,
  /\bstands\b/i,
  /\bbears?\b/i,
  /\banew\b/i,
  /\bmend(?:s|ed|ing)?\b/i,
  /\bhad by\b/i,
  /\bI have it\b/,
  /\bledger\b/i,
  /\b(?:is|are|was|were) waited for\b/i,
  /\bit begins\b/i,
  /\b(?:is|are) ill\b/i,
  /\btend(?:s|ed|ing)\b/i,
  /\bthat were\b[.:]?$/i,
  /\bspar(?:e|es|ed|ing)\b/i,
  /\blook(?:s|ed|ing)?\b(?! like\b)/i,
  /\bwherever\b/i,
  /\bthe runbook[’']s six\b/i,
];

/** What dbconn counts: one of it, and several. */
const counted = new Map(
  (
    'session connection slot client statement transaction replica container service pool pooler request line minute ' +
    'second hour day vote approver incident target check finding step member lock blocker waiter table database role ' +
    'worker walsender alert time setting change deadlock contact server row deploy'
  )
    .split(' ')
    .map((noun): [string, string] => [noun, `${noun}s`])
    .concat([
      ['query', 'queries'],
      ['process', 'processes'],
      ['entry', 'entries'],
      ['person', 'people'],
    ]),
);
const plurals = new Set(counted.values());
const lengths = new Set(['minutes', 'seconds', 'hours', 'days', 'times']);
const singularVerbs = 'is|was|has|waits|holds|runs|does|needs|blocks';
const pluralVerbs = 'are|were|have|wait|hold|run|do|need|block';

/**
 * What a reader would stumble over in text that people read, a sentence each; none where there is nothing. Takes one
 * message, lines and cells as they are: a line, a cell, or what a full stop ends is a sentence. What is between
 * backticks, and SQL, counts as one word and is not read; so does an enumeration of numbers, such as of pids.
 */
export function faultsOfText(text: string): string[] {
  const read = text
    .replaceAll(/`[^`]*`/g, 'CODE')
    .replaceAll(sql, 'CODE')
    .replaceAll(/\b\d+(?:, \d+){2,}\b/g, 'NUMBERS');
  const sentences = read
    .split(/\n|(?<=[.!?…])\s+|\s+[·|│→]\s+|\s{3,}/)
    .map((sentence) => sentence.trim())
    .filter((sentence) => sentence !== '');
  return [...sentences.flatMap((sentence) => faultsOfSentence(sentence)), ...clocks(read)];
}

/** A statement up to its semicolon: two words in capitals begin it. */
const sql =
  /\b(?:ALTER|CREATE|GRANT|REVOKE|SELECT|SET|INSERT|UPDATE|DELETE|ROLLBACK|COMMIT|SHOW)\b (?=[A-Z_a-z]+[ (;])(?:[^;.\n]|\.(?=\S))*;?/g;

function faultsOfSentence(sentence: string): string[] {
  const words = sentence.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word));
  const shown = `“${sentence}”`;
  return [
    ...(words.length > mostWords ? [`${words.length} words: ${shown}`] : []),
    ...banned.flatMap((pattern) => {
      const [found] = pattern.exec(sentence) ?? [];
      return found === undefined ? [] : [`“${found}” in ${shown}`];
    }),
    ...(/\d %/.test(sentence) ? [`a blank before %: ${shown}`] : []),
    ...disagreements(sentence).map((found) => `“${found}” in ${shown}`),
  ];
}

function disagreements(sentence: string): string[] {
  const counts = sentence.matchAll(
    /(?<![\w.,:/-])(?<figure>\d[\d,]*) (?<noun>[a-z]+)(?![\w-])(?: (?<next>[a-z]+))?/g,
  );
  return [...counts].flatMap(({ 0: found, index, groups = {} }) => {
    const { figure, noun = '', next = '' } = groups;
    const isOne = figure === '1';
    if (isOne ? plurals.has(noun) : counted.has(noun) && !plurals.has(next)) return [found];
    const isSubject =
      !/\bof $/i.test(sentence.slice(0, index)) &&
      !lengths.has(noun) &&
      (counted.has(noun) || plurals.has(noun));
    const wrong = new RegExp(`^(?:${isOne ? pluralVerbs : singularVerbs})$`);
    return isSubject && wrong.test(next) ? [found] : [];
  });
}

/** One message has one clock: UTC for all, or the reader's own, which Slack draws. */
function clocks(text: string): string[] {
  const dates = /<!date\^[^>]*>/g;
  const drawn = text.match(dates)?.[0];
  const times = text
    .replaceAll(dates, '')
    .matchAll(/(?<!\d:)\d\d:\d\d(?::\d\d)?(?: UTC| (?:to|and|–) (?=\d\d:\d\d))?/g);
  const [utc, other] = Object.values(
    Object.groupBy(
      [...times].map(([time]) => time),
      (time) => (/ (?:UTC|to|and|–)/.test(time) ? 'utc' : 'other'),
    ),
  );
  const found = [drawn, utc?.[0], other?.[0]].filter((one) => one !== undefined);
  return found.length > 1 ? [`two clocks: ${found.join(', ')}`] : [];
}
