import type { PoolVariables } from '../snapshot/target.ts';

/** What a container was made from. What is absent could not be read. */
export interface ReplicaOrigin {
  /** First 12 characters of the image's id. */
  readonly imageId?: string;
  readonly createdAt?: string;
  /** A hash of each environment variable's value by its name; compared between checks and kept nowhere. */
  readonly variables?: Readonly<Record<string, string>>;
  /** The names those have in its environment; none where it was not read, or has none of them. */
  readonly poolVariables?: PoolVariables;
  /** As its environment says. */
  readonly pool: {
    readonly size: number | null;
    readonly maxOverflow: number | null;
    readonly timeoutSeconds: number | null;
    readonly recycleSeconds: number | null;
    readonly prePing: boolean | null;
  };
}
