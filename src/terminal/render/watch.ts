import { readOnlyWords } from '../../runbook/commands/words.ts';
import type { ReadOnlyWord } from '../../runbook/commands/words.ts';
import type { Diagnosis } from '../../runbook/diagnose/diagnosis.ts';
import { renderBody, renderFoot, renderHead } from './diagnosis.ts';
import { shown, wrap } from './layout.ts';
import type { Paint } from './layout.ts';
import { sessionList } from './sections.ts';

export type WatchWord = Exclude<ReadOnlyWord, 'doctor'>;

const words = readOnlyWords.filter((word) => word !== 'doctor');

/** What is on the screen of `--watch`, and how. */
export interface View {
  readonly word: WatchWord;
  readonly target: string;
  /** Which of the word's orders; 0 is the diagnosis's own. */
  readonly order: number;
  readonly isPaused: boolean;
  readonly isHelp: boolean;
  /** The first line of the body that shows. */
  readonly top: number;
}

type Order = readonly [
  title: string,
  sort: (diagnosis: Diagnosis) => Pick<Diagnosis, 'holders' | 'sources' | 'sessions'>,
];

const bySize = (
  [
    ['total', 'total'],
    ['active', 'active'],
    ['idle', 'idle'],
    ['in tx', 'idleInTransaction'],
  ] as const
).map(([title, key]): Order => [
  title,
  ({ holders, sources, sessions }) => ({
    sessions,
    holders: holders.toSorted((a, b) => b[key] - a[key]),
    sources: sources.toSorted((a, b) => b[key] - a[key]),
  }),
]);

const byAge = (
  [
    ['tx', 'transactionAgeSeconds'],
    ['for', 'stateAgeSeconds'],
    ['age', 'connectionAgeSeconds'],
  ] as const
).map(([title, key]): Order => [
  title,
  ({ holders, sources, sessions }) => ({
    holders,
    sources,
    sessions: sessions.toSorted((a, b) => (b[key] ?? -1) - (a[key] ?? -1)),
  }),
]);

const orders: Partial<Record<WatchWord, readonly Order[]>> = {
  status: bySize,
  sources: bySize,
  sessions: byAge,
  idle: byAge,
};

/** A key as Node's readline names it. */
export interface Key {
  readonly name?: string | undefined;
  readonly sequence?: string | undefined;
  readonly ctrl?: boolean | undefined;
  readonly shift?: boolean | undefined;
}

/** What a key makes of the view; `check` asks for a check at once. The view itself is given back for any other key. */
export function press(view: View, key: Key, targets: readonly string[]): View | 'quit' | 'check' {
  const { name = '', sequence = '' } = key;
  if (name === 'q' || (key.ctrl === true && name === 'c')) return 'quit';
  if (view.isHelp) return { ...view, isHelp: false };
  if (sequence === '?' || name === 'h') return { ...view, isHelp: true };
  const byNumber = words[Number(sequence) - 1];
  if (byNumber !== undefined) return toWord(view, byNumber);
  switch (name) {
    case 'space':
    case 'p':
      return { ...view, isPaused: !view.isPaused };
    case 's':
      return { ...view, order: (view.order + 1) % (1 + (orders[view.word]?.length ?? 0)), top: 0 };
    case 'r':
      return 'check';
    case 't':
      return { ...view, target: after(targets, view.target, 1), top: 0 };
    case 'tab':
    case 'right':
      return toWord(view, after(words, view.word, key.shift === true ? -1 : 1));
    case 'left':
      return toWord(view, after(words, view.word, -1));
    default:
      return { ...view, top: Math.max(0, view.top + (scrolls[name] ?? 0)) };
  }
}

const scrolls: Readonly<Record<string, number>> = {
  down: 1,
  j: 1,
  up: -1,
  k: -1,
  pagedown: 10,
  pageup: -10,
  home: -Infinity,
};

function toWord(view: View, word: WatchWord): View {
  return { ...view, word, order: 0, top: 0 };
}

function after<T>(list: readonly T[], current: T, by: number): T {
  return list.at((list.indexOf(current) + by) % list.length) ?? current;
}

/** What is known besides the view. */
export interface Watched {
  /** The last check; undefined until the first one of this target ended. */
  readonly diagnosis: Diagnosis | undefined;
  /** How long the check that runs has taken, in seconds; null while none runs. */
  readonly waiting: number | null;
  readonly targets: readonly string[];
}

/** The lines of the screen, as many as it has rows: the headline on top and the keys at the bottom always show. */
export function drawWatch(
  view: View,
  watched: Watched,
  { rows, paint }: { readonly rows: number; readonly paint: Paint },
): string[] {
  const { diagnosis } = watched;
  const head = toLines([
    ...(diagnosis === undefined ? [paint('bold', view.target)] : renderHead(diagnosis, paint)),
    paint('dim', wrap(stateOf(view, watched))),
    wordLine(view, paint),
    '',
  ]);
  const body = toLines(view.isHelp ? keyHelp : bodyOf(view, diagnosis, paint));
  const room = Math.max(1, rows - head.length - 1);
  const top = Math.max(0, Math.min(view.top, body.length - room));
  const visible = body.slice(top, top + room);
  const padding = Array.from({ length: room - visible.length }, () => '');
  const part = body.length > room ? `  ${top + 1}-${top + visible.length} of ${body.length}` : '';
  const keys = 'q quit  space pause  s sort  tab next  ? help';
  return [...head, ...visible, ...padding, paint('dim', shown(`${keys}${part}`))].slice(-rows);
}

function bodyOf(view: View, diagnosis: Diagnosis | undefined, paint: Paint): readonly string[] {
  if (diagnosis === undefined) return [];
  const [, sort] = orderOf(view) ?? [];
  if (sort === undefined) return whole(diagnosis, view, paint);
  const sorted = { ...diagnosis, ...sort(diagnosis) };
  if (orders[view.word] === bySize) return whole(sorted, view, paint);
  // Sessions in groups have no age of their own, so a sorted list has each by itself.
  const { sessions } = sorted;
  const isIdle = view.word === 'idle';
  return sessionList(
    isIdle ? sessions.filter(({ state }) => state.startsWith('idle in transaction')) : sessions,
  );
}

function whole(diagnosis: Diagnosis, { word }: View, paint: Paint): readonly string[] {
  return [...renderBody(diagnosis, word, paint), ...renderFoot(diagnosis, paint)];
}

function orderOf({ word, order }: View): Order | undefined {
  return order === 0 ? undefined : orders[word]?.[order - 1];
}

function stateOf(view: View, { diagnosis, waiting, targets }: Watched): string {
  const [order] = orderOf(view) ?? [];
  return [
    diagnosis === undefined ? 'No check yet' : `Checked at ${diagnosis.takenAt.slice(11, 19)} UTC`,
    view.isPaused ? 'PAUSED' : 'every 2 s',
    ...(waiting === null || waiting < 1 ? [] : [`checking for ${waiting} s`]),
    ...(order === undefined ? [] : [`sorted by ${order}`]),
    ...(targets.length > 1 ? ['t: next target'] : []),
  ].join(', ');
}

function wordLine({ word }: View, paint: Paint): string {
  const line = wrap(words.map((one, index) => `${index + 1}:${one}`).join(' '));
  const current = `${words.indexOf(word) + 1}:${word}`;
  return line.replace(current, paint('bold', `[${word}]`));
}

const keyHelp = [
  'Keys',
  '  q, Ctrl-C      quit',
  '  space, p       pause, and go on',
  '  s              sort by the next column',
  '  1 to 8         show another word: 1 is status',
  '  tab, arrows    the next or the previous word',
  '  t              the next target',
  '  r              check now',
  '  up, down       scroll; page up and page down by ten lines',
  '  ?, h           these keys; any key closes them',
];

function toLines(parts: readonly string[]): string[] {
  return parts.flatMap((part) => part.split('\n'));
}
