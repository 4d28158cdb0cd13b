import type { Finding } from '../diagnosis.ts';
import type { Evidence } from '../evidence.ts';
import { list } from '../../snapshot/words.ts';

/** Settings that will matter to a remedy, or would have prevented the night. */
export function findInSettings({ reading, capacity, target }: Evidence): Finding[] {
  if (reading === undefined) return [];
  return [
    ...pending(reading.settings),
    ...commandLine(reading.settings, capacity?.utilisation ?? 0, target.limits.warningUtilisation),
    ...timeouts(reading.settings),
  ];
}

type Settings = NonNullable<Evidence['reading']>['settings'];

function pending(settings: Settings): Finding[] {
  const names = settings.filter(({ pendingRestart }) => pendingRestart).map(({ name }) => name);
  if (names.length === 0) return [];
  return [
    {
      id: 'pending-restart',
      severity: names.includes('max_connections') ? 'warning' : 'info',
      summary: `${list(names)} ${names.length === 1 ? 'was' : 'were'} changed but the server runs with the old ${names.length === 1 ? 'value' : 'values'} until it restarts.`,
      figure: { value: names.length, unit: 'settings' },
      evidence: [],
      fix: 'Restart PostgreSQL at a quiet time; where the value comes from the command line, change it there.',
    },
  ];
}

/** PostgreSQL then accepts ALTER SYSTEM, says pending_restart, and starts with the old value all the same. */
function commandLine(settings: Settings, utilisation: number, from: number): Finding[] {
  const found = settings.find(({ name }) => name === 'max_connections');
  if (found?.source !== 'command line' || utilisation < from) return [];
  return [
    {
      id: 'max-connections-on-command-line',
      severity: 'info',
      summary:
        'max_connections comes from the command line: ALTER SYSTEM and a restart would not change it.',
      evidence: [`It is ${found.value}.`],
      fix: 'Change it in command: of the compose file, or wherever the server is started.',
    },
  ];
}

function timeouts(settings: Settings): Finding[] {
  const found = settings.find(({ name }) => name === 'idle_in_transaction_session_timeout');
  if (found === undefined || Number(found.value) !== 0) return [];
  return [
    {
      id: 'idle-in-transaction-timeout-off',
      severity: 'info',
      summary: 'Nothing ends forgotten transactions: idle_in_transaction_session_timeout is off.',
      evidence: [],
      fix: "ALTER SYSTEM SET idle_in_transaction_session_timeout = '10min'; SELECT pg_reload_conf();",
    },
  ];
}
