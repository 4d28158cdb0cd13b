import type { ReadOnlyWord } from '../../runbook/commands/words.ts';
import { Diagnosis } from '../../runbook/diagnose/diagnosis.ts';
import type { Cause, Finding } from '../../runbook/diagnose/diagnosis.ts';
import { worstFirst } from '../../runbook/diagnose/doctor.ts';
import { describeNoCause } from '../../runbook/diagnose/headline.ts';
import type { Check } from '../../runbook/diagnose/doctor.ts';
import {
  findHidden,
  summariseBlocking,
  summariseIdle,
  summariseSessions,
} from '../../runbook/diagnose/groups.ts';
import { count } from '../../runbook/snapshot/words.ts';
import { wrap } from './layout.ts';
import type { Paint, Tone } from './layout.ts';
import {
  blockingSection,
  budgetSection,
  holdersSection,
  leaksSection,
  logsSection,
  poolersSection,
  poolsSection,
  sessionsSection,
  sourcesSection,
} from './sections.ts';

const tones = { fine: 'green', warning: 'yellow', critical: 'red', unknown: 'yellow' } as const;

/** A Diagnosis as text for one of the words. Computes no figure of its own. */
export function renderDiagnosis(
  diagnosis: Diagnosis,
  word: Exclude<ReadOnlyWord, 'doctor'>,
  paint: Paint,
): string {
  return [
    ...renderHead(diagnosis, paint),
    '',
    ...renderBody(diagnosis, word, paint),
    ...renderFoot(diagnosis, paint),
  ].join('\n');
}

/** The headline and the verdict. */
export function renderHead(diagnosis: Diagnosis, paint: Paint): string[] {
  const { state, target, headline, verdict } = diagnosis;
  const label = state.toUpperCase();
  const line = wrap(`${label} ${target}: ${headline}`);
  const painted = line.replace(
    `${label} ${target}`,
    `${paint(tones[state], label)} ${paint('bold', target)}`,
  );
  return [painted, ...(verdict === '' ? [] : [wrap(verdict)])];
}

export function renderBody(
  diagnosis: Diagnosis,
  word: Exclude<ReadOnlyWord, 'doctor'>,
  paint: Paint,
): string[] {
  switch (word) {
    case 'status':
      return statusBody(diagnosis, paint);
    case 'sources':
      return section('Sources', sourcesSection(diagnosis, 40), paint);
    case 'sessions':
      return section(
        'Sessions',
        [
          wrap(summariseSessions(diagnosis), '  '),
          ...hiddenLines(diagnosis),
          ...sessionsSection(diagnosis.sessions, 40),
        ],
        paint,
      );
    case 'idle':
      return idleBody(diagnosis, paint);
    case 'blocking':
      return section(
        'Blocking',
        [
          wrap(summariseBlocking(diagnosis), '  '),
          ...hiddenLines(diagnosis),
          ...blockingSection(diagnosis, 50),
        ],
        paint,
      );
    case 'pool':
      return [
        ...section('Poolers', poolersSection(diagnosis), paint),
        ...section(
          'Pools',
          orNone(poolsSection(diagnosis), 'No pool was read; dbconn doctor shows why.'),
          paint,
        ),
        ...section('Budget', budgetSection(diagnosis), paint),
      ];
    case 'logs':
      return section(
        'Logs',
        orNone(logsSection(diagnosis), 'No log was read; dbconn doctor shows why.'),
        paint,
      );
    case 'causes':
    default:
      return causesBody(diagnosis, paint);
  }
}

function statusBody(diagnosis: Diagnosis, paint: Paint): string[] {
  return [
    ...section('Who holds the connections', holdersSection(diagnosis, 8), paint),
    ...section('Blocking', blockingSection(diagnosis, 5), paint),
    ...section('Poolers', poolersSection(diagnosis), paint),
    ...section('Pools', poolsSection(diagnosis), paint),
    ...section('Findings', findingLines(diagnosis.findings, paint), paint),
    ...section('What would help', proposalLines(diagnosis), paint),
  ];
}

function idleBody(diagnosis: Diagnosis, paint: Paint): string[] {
  const idle = diagnosis.sessions.filter(({ state }) => state.startsWith('idle in transaction'));
  return [
    ...section(
      'Idle in transaction',
      [
        wrap(summariseIdle(diagnosis), '  '),
        ...hiddenLines(diagnosis),
        ...sessionsSection(idle, 40),
      ],
      paint,
    ),
    ...section('Where they come from', leaksSection(diagnosis), paint),
  ];
}

/** What the role may not see, and the command that lets it. */
function hiddenLines(diagnosis: Diagnosis): string[] {
  const { summary, fix } = findHidden(diagnosis) ?? {};
  return [
    ...(summary === undefined ? [] : [wrap(summary, '  ')]),
    ...(fix === undefined ? [] : [wrap(`Fix: ${fix}`, '  ')]),
  ];
}

function causesBody(diagnosis: Diagnosis, paint: Paint): string[] {
  const none = wrap(describeNoCause(diagnosis));
  return section('Causes', orNone(diagnosis.causes.flatMap(causeLines), none), paint);
}

function causeLines({ cause, confidence, because, against }: Cause): string[] {
  return [
    `  ${cause}, confidence ${Math.round(confidence * 100)}%`,
    ...because.map((sentence) => wrap(`+ ${sentence}`, '    ')),
    ...against.map((sentence) => wrap(`- ${sentence}`, '    ')),
  ];
}

function findingLines(findings: readonly Finding[], paint: Paint): string[] {
  const toneOf: Record<Finding['severity'], Tone> = {
    critical: 'red',
    warning: 'yellow',
    info: 'dim',
  };
  // Replicas in the same trouble are one line.
  const firsts = findings.filter(
    ({ summary }, index) => findings.findIndex((one) => one.summary === summary) === index,
  );
  return firsts.flatMap(({ severity, summary, fix }) => [
    `  ${paint(toneOf[severity], severity.padEnd(8))} ${wrap(summary, ' '.repeat(11)).trimStart()}`,
    ...(fix === undefined ? [] : [wrap(`Fix: ${fix}`, ' '.repeat(11))]),
  ]);
}

function proposalLines({ proposals }: Diagnosis): string[] {
  return proposals.map(({ option, summary, slotsFreed, blocked }) => {
    const frees =
      slotsFreed === null || slotsFreed === 0 ? '' : ` Frees ${count(slotsFreed, 'slot')}.`;
    const why = blocked === null ? '' : ` (${blocked})`;
    return wrap(
      `${option === 'prevention' ? 'Prevention:' : option}  ${summary}${frees}${why}`,
      '  ',
    );
  });
}

/** How the figures were obtained: by which rung, what the others said, how long each part took. */
export function renderFoot(
  { reach, timings, tookMs, takenAt, server }: Diagnosis,
  paint: Paint,
): string[] {
  const parts = Object.entries(timings).map(([part, ms]) => `${part} ${Math.round(ms)} ms`);
  const reached =
    reach.via === 'none'
      ? 'PostgreSQL was not reached'
      : `PostgreSQL ${server?.version ?? ''} reached by: ${reach.via}`;
  const line = `${reached}; checked at ${takenAt} in ${Math.round(tookMs)} ms (${parts.join(', ')})`;
  const tried = reach.rungs.filter(({ outcome }) => outcome !== 'answered');
  const failed = tried.map(({ rung, outcome }) => wrap(`Tried ${rung}: ${outcome}`));
  return [line, ...failed].map((text) => paint('dim', wrap(text)));
}

function section(title: string, lines: readonly string[], paint: Paint): string[] {
  return lines.length === 0 ? [] : [paint('bold', title), ...lines, ''];
}

function orNone(lines: readonly string[], sentence: string): readonly string[] {
  return lines.length === 0 ? [`  ${sentence}`] : lines;
}

/** The doctor's checks, worst first, each with what fixes it. */
export function renderChecks(target: string, checks: readonly Check[], paint: Paint): string {
  const toneOf: Record<Check['state'], Tone> = {
    ok: 'green',
    off: 'dim',
    warning: 'yellow',
    missing: 'red',
  };
  const lines = worstFirst(checks).flatMap(({ subject, state, summary, fix }) => [
    `  ${paint(toneOf[state], state.padEnd(8))} ${wrap(`${subject}: ${summary}`, ' '.repeat(11)).trimStart()}`,
    ...(fix === undefined ? [] : [wrap(`Fix: ${fix}`, ' '.repeat(11))]),
  ]);
  return [paint('bold', `${target}: what dbconn needs`), ...lines].join('\n');
}

/** The documented JSON of a Diagnosis; see docs/json.md. Throws when the Diagnosis breaks its own schema. */
export function renderJson(diagnosis: Diagnosis): string {
  return JSON.stringify(Diagnosis.parse(diagnosis), null, 2);
}
