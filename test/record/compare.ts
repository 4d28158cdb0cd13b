import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { normalise } from './normalise.ts';
import { live, racing, rules } from './rules.ts';
import type { Rule } from './rules.ts';
import { write } from './write.ts';

/** Makes of what was said what can be compared. */
export function normaliseFolder(raw: string, into: string): void {
  for (const [file, content] of read(raw)) write(join(into, file), tidy(file, content));
}

/** Rules that match nothing of a recording. */
export function findUnused(recording: string): readonly string[] {
  const text = [...read(recording).values()].map((one) => JSON.stringify(one)).join('\n');
  return rules
    .filter(({ name, numbered }) => !text.includes(`<${name}${numbered === true ? ' ' : '>'}`))
    .map(({ name }) => `The rule “${name}” matches nothing: take it away.`);
}

/** Rules without which the recordings would be the same all the same: what is rare needs more than two to be seen. */
export function findNeedless(recordings: readonly string[]): readonly string[] {
  const all = recordings.map((one) => [...read(`${one}.raw`)]);
  const isSame = (applied: readonly Rule[]): boolean => {
    const [first, ...others] = all.map((files) =>
      JSON.stringify(files.map(([file, content]) => [file, tidy(file, content, applied)])),
    );
    return others.every((other) => other === first);
  };
  if (!isSame(rules)) return ['The recordings differ: compare them first.'];
  return rules
    .filter((rule) => isSame(rules.filter((each) => each !== rule)))
    .map(({ name }) => `Without the rule “${name}” they are the same too.`);
}

/** What each file holds, without what differs each time. */
function read(folder: string): ReadonlyMap<string, unknown> {
  const files = globSync('**/*.json', { cwd: folder }).toSorted();
  const kept = files.filter((file) => !racing.some((pattern) => pattern.test(file)));
  return new Map(
    kept.map((file) => [file, JSON.parse(readFileSync(join(folder, file), 'utf8')) as unknown]),
  );
}

function tidy(file: string, content: unknown, applied: readonly Rule[] = rules): unknown {
  // What is made of figures that are given is the same each time.
  return file.startsWith('fixtures/') ? content : normalise(content, live.test(file), applied);
}
