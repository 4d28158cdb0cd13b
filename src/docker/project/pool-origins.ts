import type { Problem, ServiceReading } from '../../runbook/snapshot/snapshot.ts';
import type { Found } from '../failure.ts';
import type { ServiceConfig } from '../../runbook/snapshot/target.ts';
import type { Inspected } from '../containers.ts';
import { readPoolSettings, readPoolVariables } from '../pool-settings.ts';
import { readEntries } from './compose-file.ts';
import type { ComposeFile } from './compose-file.ts';
import { readProject, toShown } from './project.ts';
import type { ComposeProject, ProjectLocation } from './project.ts';
import { readEnvValues, takesValue, toPieces } from './variables.ts';
import type { Lookup, Reference } from './variables.ts';

/** Where a variable of a service's containers is given its value, by the project's files. */
type Origin = { readonly says: number | null } & (
  | {
      /** A file of variables, which dbconn may write. */
      readonly kind: 'env';
      readonly path: string;
      /** As it is called there. */
      readonly name: string;
    }
  | {
      readonly kind: 'fixed';
      /** Such as `is written in compose.yml, line 14`: what follows the variable in a sentence. */
      readonly why: string;
      /** Such as `in compose.yml, line 14`: where a person sets it. */
      readonly place: string;
    }
);

interface ServiceVariable {
  readonly project: ComposeProject;
  readonly service: string;
  readonly variable: string;
}

/**
 * By the order in which Compose looks: `environment`, of which the last file wins, then the last `env_file`. What it
 * refers to is looked up in the project's own files of variables; what the shell had is not known.
 */
function findOrigin(asked: ServiceVariable): Origin {
  const { project, service, variable } = asked;
  const lookup = toLookup(project);
  for (const file of project.files.toReversed()) {
    const raw = readEntries(file, service).get(variable);
    if (raw !== undefined) return originOfEntry(asked, file, raw);
  }
  const value = readEnvValues(project.envFiles.get(service) ?? [], lookup).get(variable);
  if (value !== undefined) {
    return { kind: 'env', path: value.path, name: variable, says: toWhole(value.value) };
  }
  return project.files.length === 0 ? assume(asked) : originElsewhere(asked);
}

function originOfEntry(asked: ServiceVariable, file: ComposeFile, raw: string | null): Origin {
  const pieces =
    raw === null
      ? [{ name: asked.variable, operator: '', word: '' } as const]
      : toPieces(raw.trim());
  const [first] = pieces;
  const line = file.findLine(asked.service, asked.variable);
  const place = `in ${toShown(asked.project, file.path)}${line === null ? '' : `, line ${line}`}`;
  if (pieces.every((piece) => typeof piece === 'string')) {
    return { kind: 'fixed', why: `is written ${place}`, place, says: toWhole(pieces.join('')) };
  }
  return first !== undefined && typeof first !== 'string' && pieces.length === 1
    ? originOfReference(asked, first, place)
    : composed(place);
}

function originOfReference(
  { project, ...asked }: ServiceVariable,
  reference: Reference,
  place: string,
): Origin {
  const { name, operator, word } = reference;
  if (operator.endsWith('+')) return composed(place);
  const given = project.environment.get(name);
  if (given !== undefined && takesValue(reference, toLookup(project))) {
    return { kind: 'env', path: given.path, name, says: toWhole(given.value) };
  }
  if (!operator.endsWith('-')) {
    const why = `comes from the shell that ran docker compose up: no file sets ${name}`;
    return { kind: 'fixed', why, place, says: null };
  }
  const pieces = toPieces(word.trim());
  const [first] = pieces;
  if (pieces.length === 1 && first !== undefined && typeof first !== 'string') {
    return originOfReference({ project, ...asked }, first, place);
  }
  // The compose file's default: a line for its variable is what it is there for.
  return pieces.every((piece) => typeof piece === 'string')
    ? { kind: 'env', path: project.envPath, name, says: toWhole(pieces.join('')) }
    : composed(place);
}

/** Without a compose file nothing says what its containers read; what Compose reads by itself is the `.env`. */
function assume({ project, variable }: ServiceVariable): Origin {
  const given = project.environment.get(variable);
  if (given !== undefined) {
    return { kind: 'env', path: given.path, name: variable, says: toWhole(given.value) };
  }
  const shown = toShown(project, project.envPath);
  const why = `is not in ${shown}, and no Compose file is there to say where it comes from`;
  return { kind: 'fixed', why, place: 'where the container was given it', says: null };
}

function originElsewhere({ project, service }: ServiceVariable): Origin {
  const { files } = project;
  const [main] = files;
  const shown = main === undefined ? 'the Compose file' : toShown(project, main.path);
  const place = `under environment of ${service} in ${shown}`;
  const isElsewhere = files.some(
    (file) => file.includes || file.services.get(service)?.extends !== undefined,
  );
  const why = isElsewhere
    ? 'comes from a file that include or extends names, which dbconn does not follow'
    : `is set by no file of the project: it comes from the image, or from docker compose run`;
  return { kind: 'fixed', why, place, says: null };
}

function composed(place: string): Origin {
  return { kind: 'fixed', why: `is put together from several parts ${place}`, place, says: null };
}

function toLookup({ environment }: ComposeProject): Lookup {
  return (name) => environment.get(name)?.value;
}

function toWhole(text: string): number | null {
  return /^[+-]?\d{1,9}$/.test(text.trim()) ? Number(text) : null;
}

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

interface PoolLocation extends Omit<ProjectLocation, 'labels'> {
  readonly service: string;
  readonly config: ServiceConfig | undefined;
}

/** The labels that say what Compose read. */
const telling = ['working_dir', 'config_files', 'environment_file'];

/** Where the containers of one service have their pool's numbers from. Reads the project's files; never throws. */
export async function findPoolOrigins(
  { service, config, ...location }: PoolLocation,
  containers: readonly Pick<Inspected, 'Config'>[],
): Promise<Found<PoolOrigins>> {
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

/**
 * Files that give another number than every container has are not where it came from: the shell that ran Compose had
 * its own, or they were edited since. What is written there would be undone, or would deploy somebody's edit.
 */
function whyFixed(
  { project, service, variable }: ServiceVariable,
  origin: Origin,
  has: readonly (number | null)[],
): string | null {
  if (origin.kind === 'fixed') return `${variable} of ${service} ${origin.why}.`;
  // Without a Compose file there is nothing to hold them against: the plan says what it assumes.
  if (has.includes(origin.says) || project.files.length === 0) return null;
  const shown = toShown(project, origin.path);
  const says = origin.says === null ? 'no number' : String(origin.says);
  return `${variable} of ${service} is ${has[0] ?? 'no number'} in the containers, but ${says} by ${shown}. The shell that ran docker compose up had another value, or the file was edited since.`;
}

function madeApart(service: string): Problem {
  return {
    kind: 'unsupported',
    summary: `The containers of ${service} were made from different Compose files.`,
    fix: `Make them alike with docker compose up -d ${service}.`,
  };
}
