import type { Answer } from '../remedies/remedy.ts';

/** Which database of which server answered, as of the last look that told. */
export interface ServerIdentity {
  /** What initdb gave the cluster, and its standbys and copies have too; null where the role may not read it. */
  readonly systemIdentifier: string | null;
  /** When its postmaster started, UTC with microseconds: copies and standbys differ in it. */
  readonly startedAt: string;
  readonly database: string;
}

/** How a target stands to the others of the configuration. */
export interface Neighbourhood {
  /** A refusal where another target, named before it in the configuration, is the same database. */
  readonly mayChange: Answer<null>;
  /** All targets on its server, itself among them: they share one lock. */
  readonly onServer: readonly string[];
  /** Its server's system identifier could be read; without it only the server's start tells. */
  readonly isCertain: boolean;
}
