import { quoteIdentifier } from '../../snapshot/words.ts';
import type { Plan, PoolTarget, SettingTarget } from '../plan.ts';
import type { Commands, HandOff, Place } from './hand-off.ts';
import { compose, kubectl, psql, psqlNotes, shellWord, sqlString } from './psql.ts';
import { settingCommands } from './server-commands.ts';
import { endSessionsCommands, rollBackCommands, stopCommands } from './session-commands.ts';

/** Option C: a restart of one service, each replica after the other where its place can do that. */
function restartCommands({ services, names }: Place, service: string): Commands {
  const word = shellWord(service);
  switch (services) {
    case 'compose':
      return { notes: [], commands: [`${compose(names)} restart ${word}`] };
    case 'kubernetes':
      return { notes: [], commands: rollOut(names, `restart deployment/${word}`, word) };
    case 'systemd':
      return { notes: [], commands: [`sudo systemctl restart ${word}`] };
    default: {
      const how = `Restart every process of ${service}, one after another.`;
      const ecs = 'On ECS: aws ecs update-service with --force-new-deployment.';
      return { notes: [how, ecs], commands: [] };
    }
  }
}

function rollOut(names: Place['names'], first: string, word: string): string[] {
  const start = `${kubectl(names)} rollout`;
  return [`${start} ${first}`, `${start} status deployment/${word} --timeout=10m`];
}

/** Option E: the pool's variables where they are set, and processes that read them. */
function resizeCommands({ services, names }: Place, pool: PoolTarget): Commands {
  const word = shellWord(pool.service);
  const lines = assignments(pool);
  switch (services) {
    case 'compose': {
      const edit = `Set ${lines.join(' and ')} where ${pool.service} gets its variables.`;
      const up = `${compose(names)} up -d --no-deps --wait ${word}`;
      const where = "Run it in the project's directory.";
      return { notes: [edit, where], commands: [up] };
    }
    case 'kubernetes': {
      const keep = 'Change the manifest or the chart as well, or the next deploy undoes it.';
      const set = `${kubectl(names)} set env deployment/${word} ${lines.map(shellWord).join(' ')}`;
      const status = `${kubectl(names)} rollout status deployment/${word} --timeout=10m`;
      return { notes: [keep], commands: [set, status] };
    }
    case 'systemd': {
      const edit = `Set ${lines.join(' and ')} in the environment of the unit: sudo systemctl edit ${word}`;
      return { notes: [edit], commands: [`sudo systemctl restart ${word}`] };
    }
    default: {
      const edit = `Set ${lines.join(' and ')} where ${pool.service} gets its variables, and restart all its processes.`;
      return { notes: [edit], commands: [] };
    }
  }
}

function assignments({ variables, to }: PoolTarget): string[] {
  const size = `${variables.size}=${to.poolSize}`;
  return variables.overflow === null ? [size] : [size, `${variables.overflow}=${to.maxOverflow}`];
}

/**
 * The commands of an approved plan. Made of the plan alone, so that they do what was voted on.
 * @param until until when they may signal a session; UTC ISO text
 */
export function commandsOf(plan: Plan, handOff: HandOff, until: string): Commands {
  const { notes, commands } = forOption(plan, handOff, until);
  const isElsewhere = handOff.place.names.context === null;
  const where = isElsewhere && commands.some((command) => command.startsWith('docker '));
  const above = [...handOff.notes, ...notes, ...(where ? [onItsEngine] : [])];
  return { notes: [...new Set(above)], commands };
}

/** Its address stays in dbconn.yml: a port without TLS is root for everybody who knows it. */
const onItsEngine =
  'Run docker on the machine of its engine, which compose.docker.host in dbconn.yml names.';

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
