import type Docker from 'dockerode';
import type { EditAnswer, PoolSettings, Resize } from '../runbook/ports/pool-settings.ts';
import { hasNoVariable } from '../runbook/diagnose/pool-variables.ts';
import type { ServiceConfig } from '../runbook/snapshot/target.ts';
import { envEdits, planFileEdit } from '../docker/env-file/env-file.ts';
import { inspectContainer } from '../docker/recreate/engine-calls.ts';
import { readObstacles } from '../docker/recreate/obstacles.ts';
import { missing } from './recreate-outcome.ts';
import { recreateReplica } from './recreate.ts';
import { settleReplica } from './settle.ts';
import { findSharing } from './source/find-sharing.ts';
import { readOwnPaths } from '../docker/project/own-paths.ts';
import { findPoolOrigins } from './source/pool-origins.ts';
import type { PoolOrigin, PoolOrigins } from './source/pool-origins.ts';
import { toShown, usualEnvFile } from '../docker/project/project.ts';

interface ResizePoolsOptions {
  readonly docker: Docker;
  readonly services: readonly ServiceConfig[];
  /** The compose project's directory as dbconn sees it; without it there is nothing to write. */
  readonly directory?: string;
  /** The file within it that Compose reads, where the containers do not say. */
  readonly envFile?: string;
}

/** Pool numbers in a compose project's files of variables, and containers made anew through Docker. */
export function createPoolSettings(options: ResizePoolsOptions): PoolSettings {
  const { docker } = options;
  return {
    ...envEdits,
    planEdit: (resize) => planEdit(options, resize),
    readObstacles: (ids) => readObstacles(docker, ids),
    recreateReplica: (replica, wanted) => recreateReplica(options, replica, wanted),
    settleReplica: (replica, withinMs) => settleReplica(options, replica, withinMs),
  };
}

async function planEdit(options: ResizePoolsOptions, resize: Resize): Promise<EditAnswer> {
  const { docker, services, directory, envFile = usualEnvFile } = options;
  if (directory === undefined) return { ok: false, problem: noDirectory };
  const inspections = await Promise.all(resize.ids.map((id) => inspectContainer(docker, id)));
  const containers = inspections.flatMap(({ found }) => (found === null ? [] : [found]));
  if (containers.length < inspections.length) {
    const problem = inspections.find(({ problem }) => problem !== undefined)?.problem;
    const id = resize.service;
    return { ok: false, problem: problem ?? missing({ id, name: `of ${id}` }) };
  }
  const toOwnPath = await readOwnPaths(docker);
  const { service } = resize;
  const config = services.find(({ name }) => name === service);
  const location = { directory, envFile, toOwnPath, service, config };
  const found = await findPoolOrigins(location, containers);
  return found.ok ? planFrom(found.value, resize) : found;
}

async function planFrom({ project, origins }: PoolOrigins, resize: Resize): Promise<EditAnswer> {
  const wanted = { size: resize.to.poolSize, overflow: resize.to.maxOverflow };
  const changed = origins.filter(({ key, origin }) => origin.says !== wanted[key]);
  const whys = changed.flatMap(({ why }) => (why === null ? [] : [why]));
  const byHand = handEdit({ project, origins: changed }, resize);
  if (whys.length > 0)
    return (await nameUnread(project, changed)) ?? refuse(whys.join(' '), byHand);
  // Where the files say so already, the file with the size is the one that is watched for edits.
  const written = (changed.length > 0 ? changed : origins).flatMap(({ key, origin }) =>
    origin.kind === 'env' ? [{ ...origin, number: wanted[key] }] : [],
  );
  const [first] = written;
  if (first === undefined) return refuse(hasNoVariable(resize.service), byHand);
  if (written.some(({ path }) => path !== first.path)) {
    const files = [...new Set(written.map(({ path }) => toShown(project, path)))].join(' and ');
    return refuse(`The two numbers are in ${files}, and dbconn changes one file only.`, byHand);
  }
  const set = Object.fromEntries(written.map(({ name, number }) => [name, number]));
  const planned = await planFileEdit(first.path, set, toShown(project, first.path));
  if (!planned.ok) return { ...planned, byHand };
  const shared = written.flatMap(({ path, name }) =>
    findSharing(project, resize.service, { path, name }),
  );
  return {
    ok: true,
    value: {
      edit: planned.value,
      set,
      file: toShown(project, first.path),
      sharedWith: [...new Set(shared)],
      assumed: project.files.length === 0,
    },
  };
}

/** Without a Compose file the `.env` alone is there to look at, and a line in it that is not read as it is meant. */
async function nameUnread(
  project: PoolOrigins['project'],
  changed: readonly PoolOrigin[],
): Promise<EditAnswer | undefined> {
  const { files, envPath, envTexts } = project;
  if (files.length > 0 || envTexts.length === 0) return undefined;
  const set = Object.fromEntries(changed.map(({ variable }) => [variable, 0]));
  const planned = await planFileEdit(envPath, set, toShown(project, envPath));
  return planned.ok ? undefined : planned;
}

/** What a person changes instead, and what gives it to the containers. */
function handEdit({ project, origins }: PoolOrigins, { service, to }: Resize): string {
  const edits = origins.map(({ key, variable, origin }: PoolOrigin) => {
    const number = key === 'size' ? to.poolSize : to.maxOverflow;
    return origin.kind === 'env'
      ? `${origin.name}=${number} in ${toShown(project, origin.path)}`
      : `${variable} to ${number} ${origin.place}`;
  });
  return `By hand: set ${edits.join(', and ')}, then run docker compose up -d --no-deps --wait ${service}.`;
}

function refuse(summary: string, byHand: string): EditAnswer {
  return { ok: false, problem: { kind: 'unsupported', summary }, byHand };
}

const noDirectory = {
  kind: 'not-configured',
  summary:
    "dbconn does not know the Compose project's directory, so it cannot write its variables.",
  fix: 'Set compose.directory; in a container, mount the project directory there, writable.',
} as const;
