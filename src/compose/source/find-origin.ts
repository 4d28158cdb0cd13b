import { readEntries } from '../../docker/project/compose-file.ts';
import type { ComposeFile } from '../../docker/project/compose-file.ts';
import { readEnvValues } from './env-values.ts';
import { takesValue, toPieces } from './interpolate.ts';
import type { Lookup, Reference } from './interpolate.ts';
import { toShown } from '../../docker/project/project.ts';
import type { ComposeProject } from '../../docker/project/project.ts';

/** Where a variable of a service's containers is given its value, by the project's files. */
export type Origin = { readonly says: number | null } & (
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

interface Asked {
  readonly project: ComposeProject;
  readonly service: string;
  readonly variable: string;
}

/**
 * By the order in which Compose looks: `environment`, of which the last file wins, then the last `env_file`. What it
 * refers to is looked up in the project's own files of variables; what the shell had is not known.
 */
export function findOrigin(asked: Asked): Origin {
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

function originOfEntry(asked: Asked, file: ComposeFile, raw: string | null): Origin {
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
  { project, ...asked }: Asked,
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
function assume({ project, variable }: Asked): Origin {
  const given = project.environment.get(variable);
  if (given !== undefined) {
    return { kind: 'env', path: given.path, name: variable, says: toWhole(given.value) };
  }
  const shown = toShown(project, project.envPath);
  const why = `is not in ${shown}, and no Compose file is there to say where it comes from`;
  return { kind: 'fixed', why, place: 'where the container was given it', says: null };
}

function originElsewhere({ project, service }: Asked): Origin {
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
