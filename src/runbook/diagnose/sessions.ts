import type { Session } from './diagnosis.ts';
import type { SessionReading } from '../snapshot/snapshot.ts';

/** The sessions worth showing, dbconn's own left out: it is never the trouble. */
export function toSessions(readings: readonly SessionReading[]): Session[] {
  return readings
    .filter(({ own }) => !own)
    .map((reading) => ({
      pid: reading.pid,
      startedAt: reading.startedAt,
      user: reading.user,
      application: reading.application,
      client: reading.client,
      database: reading.database,
      state: reading.state,
      connectionAgeSeconds: reading.connectionAgeSeconds,
      transactionAgeSeconds: reading.transactionAgeSeconds,
      queryAgeSeconds: reading.queryAgeSeconds,
      stateAgeSeconds: reading.stateAgeSeconds,
      waitEventType: reading.waitEventType,
      hasWritten: reading.hasWritten,
      superuser: reading.superuser,
      query: reading.query,
      fingerprint: reading.fingerprint,
    }));
}
