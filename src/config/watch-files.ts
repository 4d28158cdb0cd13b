import { statSync } from 'node:fs';
import { readText } from './config.ts';
import type { Environment } from './environment.ts';

/** All files that a configuration is read from: dbconn.yml, and the secrets that it and the environment name. */
export function readConfigFiles(environment: Environment): readonly string[] {
  const file = environment['DBCONN_CONFIG'] ?? 'dbconn.yml';
  const secrets = textOf(file).matchAll(/\$\{file:([^}]+)\}/g);
  const named = Object.entries(environment).filter(([name]) => name.endsWith('_FILE'));
  return [
    file,
    ...[...secrets].map(([, path = '']) => path),
    ...named.map(([, path = '']) => path),
  ];
}

/** Nothing where it cannot be read: that is said by who reads it for what is in it. */
function textOf(file: string): string {
  try {
    return readText(file);
  } catch {
    return '';
  }
}

const everyMs = 2000;

/**
 * Calls `onChange` once files changed and were left alone for a moment, until the returned function is called. They are
 * asked for by name every two seconds, and not watched: an editor puts another file in place of the one that it read,
 * and Kubernetes a symbolic link above it, of which a watch on the first file hears nothing.
 */
export function watchFiles(list: () => readonly string[], onChange: () => void): () => void {
  let files = list();
  let taken = stampsOf(files);
  let before = taken;
  const timer = setInterval(() => {
    const now = stampsOf(files);
    const isSettled = now === before;
    before = now;
    if (now === taken || !isSettled) return;
    files = list();
    taken = stampsOf(files);
    before = taken;
    onChange();
  }, everyMs);
  return () => clearInterval(timer);
}

function stampsOf(files: readonly string[]): string {
  return files.map(stampOf).join('\n');
}

/** Where the name leads to, and when that was changed last; a file that was put in its place is another one. */
function stampOf(file: string): string {
  try {
    const { dev, ino, size, ctimeNs } = statSync(file, { bigint: true });
    return [dev, ino, size, ctimeNs].join(' ');
  } catch {
    return 'missing';
  }
}
