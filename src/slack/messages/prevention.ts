import type { Action } from '../../runbook/remedies/remedy-request.ts';
import type { Prevention, PreventionCheck } from '../../runbook/reports/report.ts';
import type { Target } from '../../runbook/snapshot/target.ts';
import { count, sum } from '../../runbook/snapshot/words.ts';
import { header, toMessage } from './kit/message.ts';
import type { Message } from './kit/message.ts';
import {
  bold,
  code,
  moment,
  paragraph,
  plain,
  rich,
  richText,
  titledList,
} from './kit/rich-text.ts';
import type { Leaf } from './kit/rich-text.ts';
import { table } from './kit/table.ts';
import { commandButtons } from './propose-buttons.ts';

interface PreventionView {
  readonly prevention: Prevention;
  readonly target: Target;
  /** Options that can be proposed here and approved by somebody. */
  readonly offers: readonly Action[];
}

const titles: Readonly<Record<PreventionCheck['part'], string>> = {
  application: 'Applications',
  postgresql: 'PostgreSQL',
  pooler: 'PgBouncer',
};

const marks: Readonly<Record<PreventionCheck['state'], string>> = {
  ok: '✓',
  advice: '!',
  unknown: '?',
};

/** The runbook's Prevention section against reality, with buttons that propose what dbconn can change. */
export function preventionMessage({ prevention, target, offers }: PreventionView): Message {
  const { checks, lookedAt, poolers } = prevention;
  const advised = checks.filter(({ state }) => state === 'advice');
  const line =
    advised.length === 0
      ? `Prevention, ${target.name}: no change needed`
      : `Prevention, ${target.name}: ${advised.length} of ${count(checks.length, 'setting')} should change`;
  const commands = advised.flatMap(({ command }) => command ?? []);
  const parts = ['application', 'postgresql', 'pooler'] as const;
  return toMessage(line, [
    header(line),
    ...parts.flatMap((part) =>
      titledList(titles[part], checks.filter((one) => one.part === part).map(checkLeaves)),
    ),
    ...poolerTable(poolers),
    ...commandButtons(commands, { target, offers }),
    richText(paragraph(rich`Checked at ${moment(lookedAt)}`)),
  ]);
}

function checkLeaves({ state, setting, now, better, because, command }: PreventionCheck): Leaf[] {
  const values = state === 'ok' ? (now ?? better) : `${now ?? 'unknown'} → ${better}`;
  return [
    ...rich`${marks[state]} ${bold(setting)} ${plain(`${values}. ${because}`)}`,
    ...(command === undefined ? [] : rich` ${code(`/dbconn ${command}`)}`),
  ];
}

function poolerTable(poolers: Prevention['poolers']): ReturnType<typeof table> {
  return table({
    columns: [
      { title: 'Pooler', value: ({ pooler }) => pooler },
      { title: 'Database', value: ({ database }) => database },
      { title: 'User', value: ({ user }) => user },
      { title: 'Mode', value: ({ mode }) => mode },
      { title: 'Clients', value: ({ clientsActive }) => clientsActive },
      { title: 'Waiting', value: ({ clientsWaiting }) => clientsWaiting },
      { title: 'Servers', value: ({ servers }) => servers },
    ],
    rows: poolers.flatMap(({ name, pools }) => pools.map((pool) => ({ ...pool, pooler: name }))),
    atMost: 10,
    total: sum(poolers.map(({ poolsTotal }) => poolsTotal)),
    noun: 'pools',
  });
}
