import type { Problem, ServiceReading } from '../../runbook/snapshot/snapshot.ts';
import type { ServiceConfig } from '../../runbook/snapshot/target.ts';
import { readPoolSettings, readPoolVariables } from '../../docker/pool-settings.ts';
import type { Inspected } from '../replica.ts';
import { findOrigin } from './find-origin.ts';
import type { Origin } from './find-origin.ts';
import { readProject, toShown } from '../../docker/project/project.ts';
import type { ComposeProject, ProjectLocation } from '../../docker/project/project.ts';

/** A number of a service's pool, and where its containers have it from. */
export interface PoolOrigin {
  readonly key: 'size' | 'overflow';
  /** As the containers' environment calls it. */
  readonly variable: string;
  readonly origin: Origin;
  /** Why dbconn cannot change it, a sentence; null where it can. */
  readonly why: string | null;
}

export interface PoolOrigins {
  readonly project: ComposeProject;
  readonly origins: readonly PoolOrigin[];
}

type OriginsAnswer =
  | { readonly ok: true; readonly value: PoolOrigins }
  | { readonly ok: false; readonly problem: Problem };

export interface PoolLocation extends Omit<ProjectLocation, 'labels'> {
  readonly service: string;
  readonly config: ServiceConfig | undefined;
}

/** The labels that say what Compose read. */
const telling = ['working_dir', 'config_files', 'environment_file'];

/** Where the containers of one service have their pool's numbers from. Reads the project's files; never throws. */
export async function findPoolOrigins(
  { service, config, ...location }: PoolLocation,
  containers: readonly Pick<Inspected, 'Config'>[],
): Promise<OriginsAnswer> {
  const all = containers.map(({ Config: { Labels: labels } }) => labels ?? {});
  const told = all.map((labels) =>
    telling.map((name) => labels[`com.docker.compose.project.${name}`] ?? '').join('\n'),
  );
  if (new Set(told).size > 1) return { ok: false, problem: madeApart(service) };
  const read = await readProject({ ...location, labels: all[0] ?? {} });
  if (!read.ok) return read;
  const project = read.value;
  const environments = containers.map(({ Config: { Env: environment } }) => environment ?? []);
  const variables = readPoolVariables(environments[0] ?? [], config);
  const pools = environments.map((environment) => readPoolSettings(environment, config));
  const origins = (['size', 'overflow'] as const).flatMap((key): PoolOrigin[] => {
    const variable = variables[key];
    if (variable === undefined) return [];
    const origin = findOrigin({ project, service, variable });
    const has = pools.map((pool) => (key === 'size' ? pool.size : pool.maxOverflow));
    return [{ key, variable, origin, why: whyFixed({ project, service, variable }, origin, has) }];
  });
  return { ok: true, value: { project, origins } };
}

/** Why option E cannot change these numbers; nothing where it can, or where nothing is known against it. */
export async function readFixedPool(
  location: PoolLocation,
  containers: readonly Pick<Inspected, 'Config'>[],
): Promise<NonNullable<ServiceReading['fixedPool']>> {
  if (containers.length === 0) return {};
  const found = await findPoolOrigins(location, containers);
  if (!found.ok) return { size: found.problem.summary, overflow: found.problem.summary };
  return Object.fromEntries(
    found.value.origins.flatMap(({ key, why }) => (why === null ? [] : [[key, why]])),
  );
}

interface Named {
  readonly project: ComposeProject;
  readonly service: string;
  readonly variable: string;
}

/**
 * Files that give another number than every container has are not where it came from: the shell that ran Compose had
 * its own, or they were edited since. What is written there would be undone, or would deploy somebody's edit.
 */
function whyFixed(
  { project, service, variable }: Named,
  origin: Origin,
  has: readonly (number | null)[],
): string | null {
  if (origin.kind === 'fixed') return `${variable} of ${service} ${origin.why}.`;
  // Without a Compose file there is nothing to hold them against: the plan says what it assumes.
  if (has.includes(origin.says) || project.files.length === 0) return null;
  const shown = toShown(project, origin.path);
  const says = origin.says === null ? 'no number' : String(origin.says);
  return `${variable} of ${service} is ${has[0] ?? 'no number'} in the containers, and by ${shown} it would be ${says}: the shell that ran docker compose up had another value, or ${shown} was edited since.`;
}

function madeApart(service: string): Problem {
  return {
    kind: 'unsupported',
    summary: `The containers of ${service} were made from different Compose files.`,
    fix: `Make them alike with docker compose up -d ${service}.`,
  };
}
