import { readFileSync } from 'node:fs';
import { z } from 'zod';

const Captured = z.object({ body: z.unknown() });

/** The body of a webhook that a real Alertmanager sent. */
export function readFixture(name: string): string {
  return JSON.stringify(Captured.parse(JSON.parse(read(name))).body);
}

/** One in the shape that Grafana's manual shows. */
export function readGrafanaFixture(): string {
  return read('grafana-firing');
}

function read(name: string): string {
  return readFileSync(new URL(`fixtures/${name}.json`, import.meta.url), 'utf8');
}
