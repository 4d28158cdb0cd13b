import { quoteIdentifier } from '../../snapshot/words.ts';
import type { Plan } from '../plan.ts';
import type { SettingTarget } from '../targets/setting.ts';
import type { Commands, HandOff, Place } from './hand-off.ts';
import { psql, psqlNotes } from './psql.ts';
import { sqlString } from './quote.ts';
import { settingCommands } from './server-commands.ts';
import { resizeCommands, restartCommands } from './service-commands.ts';
import { endSessionsCommands, rollBackCommands, stopCommands } from './session-commands.ts';

/**
 * The commands of an approved plan. Made of the plan alone, so that they do what was voted on.
 * @param until until when they may signal a session; UTC ISO text
 */
export function commandsOf(plan: Plan, handOff: HandOff, until: string): Commands {
  const { notes, commands } = forOption(plan, handOff, until);
  return { notes: [...new Set([...handOff.notes, ...notes])], commands };
}

function forOption({ ask, targets }: Plan, { place, edit }: HandOff, until: string): Commands {
  const setting = targets.find((target) => target.kind === 'setting');
  const pool = targets.find((target) => target.kind === 'pool');
  switch (ask.kind) {
    case 'idle':
    case 'idle-in-transaction': {
      const sessions = targets.filter((target) => target.kind === 'session');
      return endSessionsCommands(place, sessions, { idleForMs: ask.idleForMs, until });
    }
    case 'raise-max-connections':
      return settingCommands(place, must(setting), { needsRestart: true, edit });
    case 'restart':
      return restartCommands(place, ask.service);
    case 'resize-pool':
      return resizeCommands(place, must(pool));
    case 'rollback-prepared':
      return rollBackCommands(
        place,
        targets.filter((target) => target.kind === 'prepared'),
      );
    case 'set-timeout':
      return ask.role === null
        ? settingCommands(place, inMs(must(setting), ask.ms), { needsRestart: false, edit })
        : roleCommands(place, ask.role, toRoleSetting(must(setting)));
    case 'limit-connections':
      return roleCommands(place, ask.role, `CONNECTION LIMIT ${ask.limit ?? -1}`);
    default:
      return stopCommands(
        place,
        targets.filter((target) => target.kind === 'blocker'),
        until,
      );
  }
}

function roleCommands(place: Place, role: string, change: string): Commands {
  const sql = `ALTER ROLE ${quoteIdentifier(role)} ${change};`;
  return { notes: psqlNotes(place), commands: [psql(place, sql)] };
}

function toRoleSetting({ name, to }: SettingTarget): string {
  return to === null ? `RESET ${name}` : `SET ${name} = ${sqlString(to)}`;
}

/** As every place takes it: `10min` is PostgreSQL's own. */
function inMs(setting: SettingTarget, ms: number | null): SettingTarget {
  return { ...setting, to: ms === null ? null : String(ms) };
}

function must<T>(target: T | undefined): T {
  if (target === undefined) throw new Error('This plan lacks what its option is about.');
  return target;
}
