import { readFileSync } from 'node:fs';
import { joinEvents } from '../../src/runbook/snapshot/logs/log-events.ts';
import { joinFrames } from '../../src/docker/logs/log-lines.ts';
import { classifyLogs } from '../../src/runbook/snapshot/logs/classify-logs.ts';
import type { LogClassCount } from '../../src/runbook/snapshot/snapshot.ts';

/** What `logs` makes of a container's output, given as text. */
export function readLog(text: string): LogClassCount[] {
  const frames = text
    .split(/(?<=\n)/)
    .map((line) => ({ stream: 'stderr' as const, bytes: Buffer.from(line) }));
  return classifyLogs(joinEvents(joinFrames(frames)));
}

/** The same as `{ class: count }`. */
export function countLog(text: string): Record<string, number> {
  return Object.fromEntries(readLog(text).map(({ class: name, count }) => [name, count]));
}

export function readFixture(name: string): string {
  return readFileSync(new URL(`logs/${name}.log`, import.meta.url), 'utf8');
}
