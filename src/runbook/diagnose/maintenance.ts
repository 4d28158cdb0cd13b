import type { Evidence } from './evidence.ts';
import type { ProgressReading } from './activity-reading.ts';
import type { SessionReading } from '../snapshot/snapshot.ts';
import { percent } from '../snapshot/words.ts';

/** A root blocker that builds, rewrites or cleans up, and how far it is where PostgreSQL tells. */
export interface Maintenance {
  readonly pid: number;
  readonly victims: number;
  /** PostgreSQL's words: `CREATE INDEX`, `ALTER`. */
  readonly command: string;
  readonly progress: ProgressReading | undefined;
  readonly session: SessionReading | undefined;
}

const verbs =
  /^(?:alter|analyze|cluster|copy|create (?:unique )?index|drop|reindex|refresh|truncate|vacuum)\b/i;

/** Autovacuum is no statement of anybody: it is left alone, and gives way by itself. */
export function findMaintenance({
  reading,
  blocking,
}: Pick<Evidence, 'reading' | 'blocking'>): Maintenance[] {
  return blocking.roots.flatMap((root): Maintenance[] => {
    if (!('pid' in root)) return [];
    const session = reading?.sessions.find(({ pid }) => pid === root.pid);
    if (
      session === undefined ||
      session.backendType !== 'client backend' ||
      session.state !== 'active'
    )
      return [];
    const progress = reading?.progress.find(({ pid }) => pid === root.pid);
    const verb = verbs.exec(session.query ?? '')?.[0].toUpperCase();
    const command = progress?.command ?? verb;
    return command === undefined ? [] : [{ ...root, command, progress, session }];
  });
}

/** ` (64 % of "building index")`, or as much of it as is known. */
export function describeProgress(progress: ProgressReading | undefined): string {
  if (progress === undefined) return '';
  const { phase, done, total } = progress;
  const share = total === null || total === 0 ? '' : percent((done ?? 0) / total);
  if (share === '') return phase === null ? '' : ` ("${phase}")`;
  return phase === null ? ` (${share})` : ` (${share} of "${phase}")`;
}
