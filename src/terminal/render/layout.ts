import { cleanUntrusted } from '../../runbook/snapshot/redaction/redact-text.ts';
import { percent } from '../../runbook/snapshot/words.ts';

/** What the text is for. */
export interface Screen {
  readonly width: number;
  /** It shows nothing but ASCII. */
  readonly isAscii: boolean;
}

/** What terminals of monitoring hosts still have, and what a pipe gets. */
const usualWidth = 100;
/** Tables have no room below; above, the eye loses the line. */
const [leastWidth, mostWidth] = [60, 200];

// A process has one terminal: as an argument it would go through every function that writes a line.
let screen: Screen = { width: usualWidth, isAscii: false };

/** Everything from here on is laid out for this screen. */
export function useScreen(next: Screen): void {
  screen = next;
}

export function currentScreen(): Screen {
  return screen;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The screen of a terminal that has so many columns; of a pipe as wide as COLUMNS says, or else as usual. */
export function toScreen(columns: number | undefined, environment: Environment): Screen {
  const asked = Number(environment['COLUMNS']);
  // A terminal whose size nobody set has 0 columns.
  const width = (columns ?? 0) > 0 ? Number(columns) : asked > 0 ? asked : usualWidth;
  return {
    width: Math.min(mostWidth, Math.max(leastWidth, Math.floor(width))),
    isAscii: !isUtf8(environment),
  };
}

/** As POSIX ranks them (8.2). Where none is set, as in most containers, the terminal outside decides, and has UTF-8. */
function isUtf8(environment: Environment): boolean {
  const locale = [environment['LC_ALL'], environment['LC_CTYPE'], environment['LANG']].find(
    (value) => value !== undefined && value !== '',
  );
  return locale === undefined || /utf-?8/i.test(locale);
}

const inAscii: Readonly<Record<string, string>> = {
  '–': '-',
  '—': '-',
  '…': '...',
  '→': '->',
  '≠': '!=',
  '▶': '>',
  '✓': '+',
  '’': "'",
  '‘': "'",
  '“': '"',
  '”': '"',
  '×': 'x',
  '·': '|',
  '↑': '^',
  '↓': 'v',
};

/** The text as this screen can show it. */
export function shown(text: string): string {
  return screen.isAscii
    ? text.replaceAll(/[^\0-\u007F]/gu, (character) => inAscii[character] ?? '?')
    : text;
}

export type Tone = 'bold' | 'dim' | 'red' | 'yellow' | 'green';

/** Colours a text, or leaves it alone where nobody sees colours. */
export type Paint = (tone: Tone, text: string) => string;

/** What is typed after `/dbconn` in Slack and after `dbconn` here; `go` and `escalate` are Slack's. */
const slackWords =
  /\/dbconn (?=(?:status|sources|sessions|idle|blocking|pool|logs|doctor|history|prevention|propose|kill|incidents|help)\b)/g;

/** Breaks a sentence at spaces so that every line fits, continued lines indented like the first. */
export function wrap(text: string, indent = ''): string {
  const lines: string[] = [];
  let line = indent;
  const words = shown(cleanUntrusted(text, 2000).replaceAll(slackWords, 'dbconn ')).split(' ');
  for (const word of words.flatMap((one) => cut(one, screen.width - indent.length))) {
    const longer = line === indent ? line + word : `${line} ${word}`;
    if (longer.length > screen.width && line !== indent) {
      lines.push(line);
      line = indent + word;
    } else {
      line = longer;
    }
  }
  return [...lines, line].join('\n');
}

/** A word that no line has room for, in pieces that have. */
function cut(word: string, room: number): string[] {
  return Array.from({ length: Math.max(1, Math.ceil(word.length / room)) }, (_, index) =>
    word.slice(index * room, (index + 1) * room),
  );
}

export function toPercent(share: number | null): string {
  return share === null ? '–' : percent(share);
}
