import { parseEnv } from 'node:util';
import type Docker from 'dockerode';
import { hasNoVariable } from '../../runbook/diagnose/pool-sizes.ts';
import type {
  EditAnswer,
  PoolSettings,
  Resize,
} from '../../runbook/remedies/e-resize-pool/ports.ts';
import type { ServiceConfig } from '../../runbook/snapshot/target.ts';
import { envEdits, planFileEdit } from '../env-file/env-file.ts';
import { readEntries } from '../project/compose-file.ts';
import { findPoolOrigins } from '../project/pool-origins.ts';
import type { PoolOrigin, PoolOrigins } from '../project/pool-origins.ts';
import { readOwnPaths, toShown, usualEnvFile } from '../project/project.ts';
import type { ComposeProject } from '../project/project.ts';
import { namesIn } from '../project/variables.ts';
import { inspectContainer } from './engine-calls.ts';
import { readObstacles } from './obstacles.ts';
import { recreateReplica, settleReplica } from './recreate.ts';
import { missing } from './restore-old.ts';

interface Written {
  readonly path: string;
  readonly name: string;
}

/**
 * The other services that get another value, too, when this variable of this file changes: those that interpolate it,
 * by way of another variable of the file as well, pass it through, or read the file as an `env_file`.
 */
export function findSharing(
  project: ComposeProject,
  service: string,
  written: Written,
): readonly string[] {
  const isProjects = project.envTexts.some(({ path }) => path === written.path);
  const names = isProjects || written.path === project.envPath ? dependents(project, written) : [];
  return [...project.envFiles.keys()].filter(
    (other) =>
      other !== service && (refersTo(project, other, names) || readsFile(project, other, written)),
  );
}

/** The variable, and those of the project's own files that are made of it. */
function dependents({ envTexts }: ComposeProject, { name }: Written): readonly string[] {
  const names = new Set([name]);
  const lines = envTexts.flatMap(({ text }) => Object.entries(parseEnv(text)));
  for (let before = 0; before !== names.size;) {
    before = names.size;
    for (const [own, value = ''] of lines) {
      if (namesIn(value).some((one) => names.has(one))) names.add(own);
    }
  }
  return [...names];
}

function refersTo(project: ComposeProject, service: string, names: readonly string[]): boolean {
  const isAmong = (text: string): boolean => namesIn(text).some((one) => names.includes(one));
  const rest = project.files.map((file) => {
    const { environment: _environment, ...others } = file.services.get(service) ?? {};
    return JSON.stringify(others);
  });
  const files = (project.envFiles.get(service) ?? []).map(({ text }) => text);
  return (
    [...rest, ...files].some(isAmong) ||
    [...entriesOf(project, service)].some(([name, text]) =>
      text === null ? names.includes(name) : isAmong(text),
    )
  );
}

function readsFile(project: ComposeProject, service: string, { path, name }: Written): boolean {
  const reads = project.envFiles.get(service)?.some((file) => file.path === path) ?? false;
  return reads && !entriesOf(project, service).has(name);
}

/** Of all files together, as the last one that has it says. */
function entriesOf({ files }: ComposeProject, service: string): ReadonlyMap<string, string | null> {
  return new Map(files.flatMap((file) => [...readEntries(file, service)]));
}

interface ResizePoolsOptions {
  readonly docker: Docker;
  readonly services: readonly ServiceConfig[];
  /** The compose project's directory as dbconn sees it; without it there is nothing to write. */
  readonly directory?: string;
  /** The file within it that Compose reads, where the containers do not say. */
  readonly envFile?: string;
}

/** Pool numbers in a compose project's files of variables, and containers recreated through Docker. */
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
  const containers = inspections.flatMap(({ inspected }) => inspected ?? []);
  if (containers.length < inspections.length) {
    const unread = inspections.find(({ gone }) => gone === false);
    const id = resize.service;
    return { ok: false, problem: unread?.problem ?? missing({ id, name: `of ${id}` }) };
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
