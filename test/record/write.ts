import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

export function write(file: string, content: unknown): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`);
}

/** A title as a file's name. */
export function toFileName(title: string): string {
  const words = title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  return words.slice(0, 120).replaceAll(/^-|-$/g, '');
}
