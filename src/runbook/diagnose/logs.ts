import type { LogSummary } from './diagnosis.ts';
import type { LogClass, Part, ServiceLogs } from '../snapshot/snapshot.ts';

export function toLogs(part: Part<readonly ServiceLogs[]>): LogSummary[] {
  if (!part.ok) return [];
  return part.value.map(({ service, container, linesRead, classes }) => ({
    service,
    container,
    linesRead,
    classes: classes.map(({ class: name, count, lastAt, example }) => ({
      class: name,
      count,
      lastAt,
      example,
    })),
  }));
}

/** Lines of these classes, over all containers or those of one service. */
export function countLines(
  logs: readonly LogSummary[],
  classes: readonly LogClass[],
  service?: string,
): number {
  const classNames = new Set<string>(classes);
  return logs
    .filter((log) => service === undefined || log.service === service)
    .flatMap((log) => log.classes)
    .filter((entry) => classNames.has(entry.class))
    .reduce((total, entry) => total + entry.count, 0);
}
