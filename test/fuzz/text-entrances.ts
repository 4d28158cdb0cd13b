import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readPayload } from '../../src/http/alert-payload.ts';
import { LogFrameReader, joinFrames } from '../../src/docker/logs/log-lines.ts';
import { joinEvents } from '../../src/runbook/snapshot/logs/log-events.ts';
import { setVariables } from '../../src/docker/env-file/env-text.ts';
import { ConfigError } from '../../src/config/environment.ts';
import { readPostgresUrl } from '../../src/config/addresses.ts';
import { readConfig } from '../../src/config/config.ts';
import { findPools } from '../../src/pool-metrics/find-pools.ts';
import { parsePrometheus } from '../../src/pool-metrics/parse-prometheus.ts';
import { presets } from '../../src/pool-metrics/presets.ts';
import { parseCommand } from '../../src/runbook/commands/parse-command.ts';
import { classOfText } from '../../src/runbook/snapshot/logs/read-line.ts';
import { redactText } from '../../src/runbook/snapshot/redaction/redact-text.ts';
import { frame } from '../compose/fake-engine.ts';

/** Stands where a secret would. */
export const canary = 'cAnArY7Zq';

/** A way by which text from elsewhere comes in. */
export interface TextEntrance {
  /** The format's own words, with the canary where a secret may be. */
  readonly words: readonly string[];
  /** Returns what is said of it afterwards: no canary may be in that. Throws only what is documented. */
  readonly read: (text: string) => unknown;
  /** Written by whoever runs dbconn: it may take its time over a file of their own. */
  readonly isOwn?: true;
}

const at = '2026-11-23T03:00:00Z';
const begin = `${at.replace('Z', '.000000000Z')} `;

export const textEntrances: Readonly<Record<string, TextEntrance>> = {
  'words after /dbconn': {
    words:
      'status propose preview A B C D E idle over 30m kill cancel 4711 prevention connection-limit for 20 prepared incident open silence 2h escalate on-call report inc-abcdef shop -- --dry-run'
        .split(' ')
        .map((word) => ` ${word}`),
    read: (text) => void parseCommand(text, ['shop', 'till']),
  },
  'a webhook': {
    words: [
      '{"version":"4",',
      '"alerts":[',
      '{"status":"firing",',
      '"labels":{"alertname":"X"},',
      `"startsAt":"${at}",`,
      `"fingerprint":"${canary}"`,
      '}',
      ']',
      ',',
    ],
    read: (text) => {
      const answer = readPayload(text, at);
      return answer.kind === 'malformed' ? answer.sentence : answer.kind;
    },
  },
  metrics: {
    words: [
      '# TYPE db_pool_checked_out gauge\n',
      'db_pool_checked_out',
      'sqlalchemy_pool_size',
      '{pool="a",',
      'le="+Inf"}',
      ' 1',
      ' 1e3 1700000000000',
      '\n',
      ' NaN\n',
    ],
    read(text) {
      const samples = parsePrometheus(text);
      for (const names of presets.values()) findPools(samples, names, { service: 'backend' });
    },
  },
  "a container's log": {
    words: [
      'FATAL:  53300: sorry, too many clients already\n',
      'Traceback (most recent call last):\n',
      '  File "a.py", line 1, in f\n',
      `password=${canary} \n`,
      `postgresql://app:${canary}@db/shop\n`,
      `[parameters: ('${canary}',)]\n`,
      `DETAIL:  Key (email)=(${canary}) already exists.\n`,
      '\tat org.postgresql.Driver.connect(Driver.java:1)\n',
      'Caused by: ',
      '{"level":"error","msg":"x"}\n',
      'backend-1  | ',
      '2026-11-23 03:00:00.123 UTC [42] LOG:  ',
    ],
    read(text) {
      const reader = new LogFrameReader();
      const frames = text.split('\n').map((line) => frame(`${begin}${line}\n`));
      const read = frames.flatMap((bytes) => reader.read(bytes));
      const events = joinEvents(joinFrames([...read, ...reader.end()]));
      return events.map((event) => [classOfText(event.text), redactText(event.text)]);
    },
  },
  'the bytes of a log stream': {
    words: ['\u0001\u0000\u0000\u0000', '\u0000\u0000\u0000\u0005', '\u0002', '{', begin, 'x\n'],
    read(text) {
      try {
        const reader = new LogFrameReader();
        joinFrames([...reader.read(Buffer.from(text, 'latin1')), ...reader.end()]);
      } catch (error) {
        if (!(error instanceof TypeError && error.message.startsWith('Not a container')))
          throw error;
      }
    },
  },
  'an env file': {
    words: [
      'DATABASE_POOL_SIZE=10\n',
      'export ',
      'DATABASE_MAX_OVERFLOW',
      '=',
      `SECRET=${canary}\n`,
      ' # a comment\n',
      "'",
      '"',
      '\n',
    ],
    read: (text) => void setVariables(text, { DATABASE_POOL_SIZE: 4 }),
  },
  'dbconn.yml': {
    words: [
      'targets:\n',
      '  - name: shop\n',
      '    database:\n',
      `      url: postgres://dbconn:${canary}@db/shop\n`,
      `      actingUrl: ${canary}!\n`,
      'approval:\n',
      '  A: { approve: [UBOB], votes: 2 }\n',
      'pager: { pagerduty: { routingKey: ${KEY} } }\n',
      'alerts: &a\n',
      '  x: *a\n',
      `alerts: { secret: "${canary}!" }\n`,
      '? ',
      '- ',
      '!!js/function ',
    ],
    read: readFile,
    isOwn: true,
  },
  'an address of a database': {
    words: [
      'postgres://',
      'postgresql+asyncpg://',
      'app:',
      canary,
      '@',
      'db',
      ':5432',
      ',',
      '/shop',
      '?sslmode=require',
      '&host=/run',
      '#',
      '[::1]',
    ],
    read(text) {
      const answer = readPostgresUrl(text);
      return answer.ok ? void new URL(answer.url) : answer.why;
    },
  },
};

function readFile(text: string): unknown {
  const folder = mkdtempSync(join(tmpdir(), 'dbconn-fuzz-'));
  try {
    const path = join(folder, 'dbconn.yml');
    writeFileSync(path, text);
    readConfig({ KEY: canary }, path);
    return undefined;
  } catch (error) {
    if (error instanceof ConfigError) return error.message.replaceAll(folder, '');
    throw error;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
