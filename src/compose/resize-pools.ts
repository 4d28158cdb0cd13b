import { join } from 'node:path';
import type Docker from 'dockerode';
import type { EnvFile, PoolSettings } from '../runbook/ports/pool-settings.ts';
import { ActingUnavailable } from '../runbook/remedies/acting-unavailable.ts';
import { createEnvFile } from './env-file.ts';
import { readObstacles } from './recreate-obstacles.ts';
import { recreateReplica } from './recreate.ts';
import { settleReplica } from './settle.ts';

export interface ResizePoolsOptions {
  readonly docker: Docker;
  /** The compose project's directory as dbconn sees it; without it there is no `.env` to write. */
  readonly directory?: string;
  /** The file within it that compose reads. */
  readonly envFile?: string;
}

/** Pool numbers in a compose project's `.env`, and containers made anew through Docker. */
export function createPoolSettings({
  docker,
  directory,
  envFile = '.env',
}: ResizePoolsOptions): PoolSettings {
  return {
    ...(directory === undefined ? nowhere : createEnvFile(join(directory, envFile))),
    readObstacles: (ids) => readObstacles(docker, ids, envFile),
    recreateReplica: (replica, wanted) => recreateReplica(docker, replica, wanted),
    settleReplica: (replica, withinMs) => settleReplica(docker, replica, withinMs),
  };
}

const problem = {
  kind: 'not-configured',
  summary: "dbconn does not know the compose project's directory, so it cannot write the .env.",
  fix: 'Set compose.directory; in a container, mount the project directory there, writable.',
} as const;

function refuse(): Promise<never> {
  return Promise.reject(new ActingUnavailable(`${problem.summary} ${problem.fix}`));
}

const nowhere: EnvFile = {
  planEdit: () => Promise.resolve({ ok: false, problem }),
  keepCopy: refuse,
  writeEdit: refuse,
  putBack: refuse,
  removeCopy: refuse,
};
