import { readBehindStatement } from './behind-statement.ts';
import { findSqlstate } from './find-sqlstate.ts';
import {
  classOfClientCode,
  classOfCode,
  classOfText,
  mentionsConnections,
  wordsOf,
} from './log-classes.ts';
import { redactText, splitStatement } from './redact-text.ts';
import { beginFailure, continueFailure } from './same-failure.ts';
import type { Failure, LogHit } from './same-failure.ts';
import type { LogClass, LogClassCount } from '../snapshot/snapshot.ts';
import { readStructured } from './structured-line.ts';
import { cutCodePoints } from './untrusted.ts';

interface LogEvent {
  /** UTC ISO text, or null when the log carries no times. */
  readonly at: string | null;
  /** One line, or several that belong together such as a traceback. */
  readonly text: string;
  /** Whether a stack was logged with it. */
  readonly trace?: boolean;
}

const exampleCodePoints = 300;

/**
 * What a log says about connections: how many failures of each class, and the last of each, redacted and cut.
 * Most frequent class first. A SQLSTATE decides where there is one, in any notation and whatever the language of the
 * text; client libraries give none for a refused connection, so the texts themselves are known too. What is logged
 * more than once for one failure counts once. Lines that only mention a connection or a pool are `other`; the rest is
 * left out.
 */
export function classifyLogs(events: readonly LogEvent[]): LogClassCount[] {
  const found = new Map<LogClass, { count: number; last: LogHit }>();
  for (const last of toFailures(toHits(events))) {
    found.set(last.class, { count: (found.get(last.class)?.count ?? 0) + 1, last });
  }
  return [...found]
    .map(([name, { count, last }]) => ({
      class: name,
      count,
      lastAt: last.at,
      example: exampleOf(last),
      ...poolNumbers(last.text, name),
    }))
    .toSorted((a, b) => b.count - a.count || a.class.localeCompare(b.class));
}

function toHits(events: readonly LogEvent[]): LogHit[] {
  const hits: LogHit[] = [];
  let gap = 0;
  for (const { at, text: raw, trace = false } of events) {
    const structured = readStructured(raw);
    const text = structured?.text ?? raw;
    const parts = splitLine(text);
    const name = classOf(parts, structured?.code);
    if (name === undefined) {
      gap += 1;
      continue;
    }
    const words = wordsOf(name, `${parts.prose}\n${parts.behind}`);
    hits.push({ class: name, at, text, words, trace, gap });
    gap = 0;
  }
  return hits;
}

/** The last sighting of each failure. */
function toFailures(hits: readonly LogHit[]): LogHit[] {
  const failures: Failure[] = [];
  for (const hit of hits) {
    const open = failures.at(-1);
    const more = open === undefined ? undefined : continueFailure(open, hit);
    if (more === undefined) failures.push(beginFailure(hit));
    else failures[failures.length - 1] = more;
  }
  return failures.map(({ last }) => last);
}

interface LineParts {
  /** Before the first statement that is quoted. */
  readonly prose: string;
  /** Behind it. */
  readonly behind: string;
}

/** Judged without the statement a line quotes: anybody can write `deadlock detected` into a statement. */
function splitLine(text: string): LineParts {
  const { prose, statement } = splitStatement(text);
  if (statement === '') return { prose, behind: '' };
  // Doctrine quotes it: `while executing 'SELECT …' with params […]: SQLSTATE[…]`.
  return { prose, behind: readBehindStatement(prose.endsWith("'") ? `'${statement}` : statement) };
}

function classOf({ prose, behind }: LineParts, given: string | undefined): LogClass | undefined {
  const text = `${prose}\n${behind}`;
  const found = [given, findSqlstate(text)].filter((code) => code !== undefined);
  for (const code of found) {
    const name = classOfCode(code, text);
    if (name !== undefined) return name;
  }
  const name = classOfText(text) ?? found.map(classOfClientCode).find((one) => one !== undefined);
  return name ?? (mentionsConnections(prose) ? 'other' : undefined);
}

/** Of several lines the one that says it. Redacted before it is picked: a constant may span lines. */
function exampleOf({ text, class: name, words }: LogHit): string {
  const lines = redactText(text).split(/\r?\n/);
  const mentions = (line: string): boolean => name === 'other' && mentionsConnections(line);
  const matches = (line: string): boolean =>
    words === undefined ? findSqlstate(line) !== undefined : wordsOf(name, line) !== undefined;
  const line = lines.find(matches) ?? lines.find(mentions) ?? lines.find((one) => one.trim()) ?? '';
  return cutCodePoints(line.trim(), exampleCodePoints);
}

const queuePool =
  /QueuePool limit of size (\d+) overflow (-?\d+) reached, connection timed out, timeout ([\d.]+)/;

function poolNumbers(text: string, name: LogClass): Pick<LogClassCount, 'pool'> {
  const [, size, maxOverflow, timeout] = (name === 'pool-timeout' && queuePool.exec(text)) || [];
  if (size === undefined || maxOverflow === undefined || timeout === undefined) return {};
  return {
    pool: {
      size: Number(size),
      maxOverflow: Number(maxOverflow),
      timeoutSeconds: Number.parseFloat(timeout),
    },
  };
}
