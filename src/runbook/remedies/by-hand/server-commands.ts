import type { SettingTarget } from '../plan.ts';
import type { Commands, HandOff, Place } from './hand-off.ts';
import { blanks, compose, kubectl, named, psql, psqlNotes, shellWord } from './psql.ts';

/** A stop shorter than this would end in a kill, and the next start in a crash recovery. Seconds. */
const stopSeconds = 300;

interface Change extends Pick<HandOff, 'edit'> {
  readonly needsRestart: boolean;
}

/** Option B, and prevention for a whole server: a setting, in force after a restart or at once. */
export function settingCommands(
  place: Place,
  setting: SettingTarget,
  { needsRestart, edit }: Change,
): Commands {
  const { server, names } = place;
  switch (server) {
    case 'rds':
      return onRds(names, setting, needsRestart);
    case 'cloudsql':
      return onCloudSql(names, setting);
    case 'azure':
      return onAzure(names, setting, needsRestart);
    default:
      return onOwnServer(place, setting, { needsRestart, edit });
  }
}

function onRds(
  { parameterGroup, server }: Place['names'],
  { name, to }: SettingTarget,
  needsRestart: boolean,
): Commands {
  const when = needsRestart ? 'pending-reboot' : 'immediate';
  const group = named(parameterGroup, 'PARAMETER_GROUP');
  const start = `aws rds ${to === null ? 'reset' : 'modify'}-db-parameter-group --db-parameter-group-name ${group}`;
  const value = to === null ? '' : `ParameterValue=${to},`;
  const change = `${start} --parameters ${shellWord(`ParameterName=${name},${value}ApplyMethod=${when}`)}`;
  const reboot = `aws rds reboot-db-instance --db-instance-identifier ${named(server, 'INSTANCE')}`;
  return {
    notes: [
      ...blanks({ parameterGroup, server: needsRestart ? server : '' }),
      'A default parameter group cannot be changed: attach one of your own first. On Aurora it is the DB cluster parameter group.',
    ],
    commands: needsRestart ? [change, reboot] : [change],
  };
}

/** A change of flags restarts the instance by itself where that is needed. */
function onCloudSql({ server }: Place['names'], { name, to }: SettingTarget): Commands {
  const instance = named(server, 'INSTANCE');
  const show = `gcloud sql instances describe ${instance} --format='value(settings.databaseFlags)'`;
  const flags =
    to === null
      ? `--database-flags=OTHER_FLAGS`
      : shellWord(`--database-flags=${name}=${to},OTHER_FLAGS`);
  return {
    notes: [
      ...blanks({ server }),
      'patch replaces all flags: replace OTHER_FLAGS with those the first command shows, or they are reset.',
    ],
    commands: [show, `gcloud sql instances patch ${instance} ${flags}`],
  };
}

function onAzure(
  { resourceGroup, server }: Place['names'],
  { name, to }: SettingTarget,
  needsRestart: boolean,
): Commands {
  const group = `--resource-group ${named(resourceGroup, 'RESOURCE_GROUP')}`;
  const instance = named(server, 'SERVER');
  const start = 'az postgres flexible-server';
  const of = `${group} --server-name ${instance} --name ${name}`;
  const show = `${start} parameter show ${of} --query defaultValue`;
  const set = `${start} parameter set ${of} --value ${to === null ? 'DEFAULT_VALUE' : shellWord(to)}`;
  const restart = `${start} restart ${group} --name ${instance}`;
  return {
    notes: blanks({ resourceGroup, server }),
    commands: [...(to === null ? [show] : []), set, ...(needsRestart ? [restart] : [])],
  };
}

function onOwnServer(
  place: Place,
  setting: SettingTarget,
  { needsRestart, edit }: Change,
): Commands {
  const write =
    edit === null ? alterSystem(place, setting, needsRestart) : editByHand(setting, edit);
  // A value on the command line is read at the start alone.
  if (!needsRestart && edit !== 'command line') return write;
  const restart = restartServer(place, edit === 'command line');
  return {
    notes: [...write.notes, ...restart.notes],
    commands: [...write.commands, ...restart.commands],
  };
}

function alterSystem(place: Place, { name, to }: SettingTarget, needsRestart: boolean): Commands {
  const change = to === null ? `RESET ${name}` : `SET ${name} = ${to}`;
  const reload = needsRestart ? '' : '\nSELECT pg_reload_conf();';
  return { notes: psqlNotes(place), commands: [psql(place, `ALTER SYSTEM ${change};${reload}`)] };
}

function editByHand({ name, to }: SettingTarget, edit: NonNullable<HandOff['edit']>): Commands {
  const note =
    edit === 'standby'
      ? `Set ${name} = ${to ?? 'its default'} in the postgresql.conf of this standby.`
      : `Set -c ${name}=${to ?? 'DEFAULT'} where the server is started: ALTER SYSTEM cannot override the command line.`;
  return { notes: [note], commands: [] };
}

function restartServer({ server, names }: Place, isEdited: boolean): Commands {
  switch (server) {
    case 'compose': {
      const word = shellWord(names.server ?? 'postgres');
      const start = compose(names);
      return isEdited
        ? {
            notes: ["Run it in the project's directory."],
            commands: [`${start} up -d --no-deps --wait -t ${stopSeconds} ${word}`],
          }
        : { notes: [], commands: [`${start} restart -t ${stopSeconds} ${word}`] };
    }
    case 'kubernetes': {
      const set = `statefulset/${named(names.server, 'STATEFULSET')}`;
      const operator =
        'If an operator runs PostgreSQL, change its resource instead: it reverts other changes.';
      const start = `${kubectl(names)} rollout`;
      return {
        notes: [...blanks({ server: names.server }), operator],
        commands: [`${start} restart ${set}`, `${start} status ${set} --timeout=10m`],
      };
    }
    case 'systemd':
      return {
        notes: [],
        commands: [`sudo systemctl restart ${shellWord(names.server ?? 'postgresql')}`],
      };
    default:
      return {
        notes: ['Then restart PostgreSQL, for example with pg_ctl restart -m fast.'],
        commands: [],
      };
  }
}
