import { groups, guides } from '../../runbook/commands/words.ts';
import type { Guide, Word } from '../../runbook/commands/words.ts';
import type { Check } from '../../runbook/diagnose/doctor.ts';
import { count } from '../../runbook/snapshot/words.ts';
import { sentence, topic } from './diagnosis-parts.ts';
import { folded, header, ownLimits, take, toMessage } from './kit/message.ts';
import type { Message } from './kit/message.ts';
import { between, bold, code, paragraph, plain, rich, richText } from './kit/rich-text.ts';
import type { Leaf } from './kit/rich-text.ts';

/** Worst first: what lacks is what the reader came for. */
const states: readonly {
  readonly state: Check['state'];
  readonly title: string;
  readonly counted: (many: number) => string;
}[] = [
  { state: 'missing', title: 'To fix', counted: (many) => `${many} to fix` },
  { state: 'warning', title: 'Warnings', counted: (many) => count(many, 'warning') },
  { state: 'off', title: 'Not set up', counted: (many) => `${many} not set up` },
  { state: 'ok', title: 'OK', counted: (many) => `${many} OK` },
];

/** What dbconn has and lacks, each lack with the command or setting that fixes it. */
export function doctorMessage(target: string, checks: readonly Check[]): Message {
  const groups = states
    .map(({ state, ...words }) => ({
      ...words,
      state,
      members: checks.filter((check) => check.state === state),
    }))
    .filter(({ members }) => members.length > 0);
  const summary = groups.map(({ counted, members }) => counted(members.length)).join(', ');
  const line = `Doctor for ${target}: ${summary === '' ? 'nothing was checked' : summary}`;
  return toMessage(line, [
    header(line),
    ...groups.flatMap(({ title, state, members }) => {
      const listed = chunk(members, ownLimits.listItems).map((part, index) =>
        topic(index === 0 ? title : `${title}, continued`, part.map(checkLeaves)),
      );
      // What is well is long, and on a phone would push away what is not.
      return state === 'ok' && groups.length > 1
        ? folded({ id: 'dbconn_doctor_ok', title: `${members.length} OK` }, listed)
        : listed;
    }),
  ]);
}

function checkLeaves({ subject, summary, fix }: Check): Leaf[] {
  return [
    ...rich`${bold(`${subject}:`)} ${summary}`,
    ...(fix === undefined ? [] : rich`\n`),
    ...(fix === undefined ? [] : fixLeaves(fix)),
  ];
}

/** A statement to copy whole; else a sentence, with what stands in backticks to copy. */
function fixLeaves(fix: string): Leaf[] {
  if (/;$|^(?:GRANT|ALTER|SET) /.test(fix)) return [code(fix)];
  return fix.split('`').flatMap((part, index) => {
    if (part === '') return [];
    return index % 2 === 1 ? [code(part)] : spaced(part);
  });
}

/** What is cleaned is trimmed too, and would stick to the command beside it. */
function spaced(part: string): Leaf[] {
  return [
    ...(part.startsWith(' ') ? [between(' ')] : []),
    ...(part.trim() === '' ? [] : [plain(part)]),
    ...(part.length > 1 && part.endsWith(' ') ? [between(' ')] : []),
  ];
}

function chunk<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}

/** What somebody asked about, or typed and cannot be done. */
interface Asked {
  readonly problem?: string;
  readonly about?: Word;
}

/** All words and targets; one word with its examples; or, for what cannot be done, why and where to read on. */
export function helpMessage(targets: readonly string[], { problem, about }: Asked): Message {
  if (problem !== undefined) return problemMessage(problem, about);
  return about === undefined ? overview(targets) : guideMessage(about, guides[about]);
}

function problemMessage(problem: string, about: Word | undefined): Message {
  const more = about === undefined ? '/dbconn help' : `/dbconn help ${about}`;
  return toMessage(problem, [richText(paragraph(rich`${problem} See ${code(more)}.`))]);
}

function guideMessage(word: Word, { does, forms, examples }: Guide): Message {
  const line = `${word}: ${does}`;
  return toMessage(line, [
    header(line),
    topic('How to type it', forms.map(toLeaves)),
    topic('Examples', examples.map(toLeaves)),
  ]);
}

function overview(targets: readonly string[]): Message {
  const { taken, more } = take(targets, 20);
  const names = `${taken.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  return toMessage('What you can type after /dbconn', [
    ...groups.map(([title, words]) =>
      topic(
        title,
        words.map((word) => toLeaves([word, guides[word].does])),
      ),
    ),
    richText(paragraph(rich`${code('/dbconn help WORD')} explains a word, with examples.`)),
    sentence(`Targets: ${names === '' ? 'none' : names}`),
  ]);
}

function toLeaves([typed, what]: readonly [typed: string, what: string]): Leaf[] {
  return rich`${code(`/dbconn ${typed}`)} ${what}`;
}
