import { parseEnv } from 'node:util';
import { readEntries } from '../../docker/project/compose-file.ts';
import { namesIn } from './interpolate.ts';
import type { ComposeProject } from '../../docker/project/project.ts';

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
