import type { Prevention, PreventionCheck } from '../../runbook/reports/report.ts';
import { shown, wrap } from './layout.ts';
import type { Paint, Tone } from './layout.ts';
import { withoutMentions } from './plan.ts';

const titles: Readonly<Record<PreventionCheck['part'], string>> = {
  application: 'Applications',
  postgresql: 'PostgreSQL',
  pooler: 'Pooler',
};

const marks: Readonly<Record<PreventionCheck['state'], readonly [sign: string, tone: Tone]>> = {
  ok: ['✓', 'green'],
  advice: ['!', 'yellow'],
  unknown: ['?', 'dim'],
};

/** The runbook's Prevention section against reality. */
export function renderPrevention({ target, lookedAt, checks }: Prevention, paint: Paint): string {
  const parts = (['application', 'postgresql', 'pooler'] as const).flatMap((part) => {
    const own = checks.filter((check) => check.part === part);
    if (own.length === 0) return [];
    return ['', paint('bold', titles[part]), ...own.map((check) => renderCheck(check, paint))];
  });
  return [`${paint('bold', `Prevention for ${target}`)}, checked at ${lookedAt}`, ...parts].join(
    '\n',
  );
}

function renderCheck(check: PreventionCheck, paint: Paint): string {
  const { setting, now, better, because, command, state } = check;
  const [sign, tone] = marks[state];
  const figures = state === 'ok' ? (now ?? 'ok') : `${now ?? 'unknown'} → ${better}`;
  return [
    `${paint(tone, shown(sign))} ${wrap(`${setting}: ${figures}`)}`,
    wrap(withoutMentions(because), '    '),
    ...(command === undefined ? [] : [wrap(`dbconn ${command}`, '    ')]),
  ].join('\n');
}
