import { z } from 'zod';
import { CauseName } from '../../../src/runbook/diagnose/diagnosis.ts';
import type { ApplicationActivity } from '../activity.ts';
import type { Fleet, ServicePlan } from '../fleet.ts';
import type { SandboxPooler } from '../sandbox-pooler.ts';
import type { Seeded } from '../seeded.ts';

/** What can be wrong: the runbook's six causes, nights on which the obvious button does harm, or nothing. */
export const Trouble = z.enum([
  ...CauseName.options,
  'dead-pool',
  'idle-leak',
  'deploy-overlap',
  'pooler-queue',
  'replication-wait',
  'healthy',
  'healthy-busy',
]);
export type Trouble = z.infer<typeof Trouble>;

/** Which face a cause shows; the seed decides where nothing is asked for. */
export interface Variants {
  /** A leaked connection sits idle in transaction, or plainly idle where the code runs in autocommit. */
  readonly leak?: 'transaction' | 'autocommit';
  readonly pool?: 'too-large' | 'too-small';
  /** Everybody wants one row, or DDL waits for a reader and everybody waits behind it. */
  readonly lock?: 'row' | 'table';
}

export interface SceneContext {
  readonly seeded: Seeded;
  /** Usable slots of the server, and how many of them this scene may take. */
  readonly usable: number;
  readonly slots: number;
  /** Slots that the bystander and dbconn use. */
  readonly others: number;
  readonly variants: Variants;
  readonly takeName: () => string;
}

export interface SceneStage {
  readonly fleet: Fleet;
  readonly pooler: SandboxPooler;
  /** Waits until this says nothing is missing any more. */
  readonly until: (missing: Missing) => Promise<void>;
  /** Runs a statement as a superuser. */
  readonly run: (sql: string, values?: readonly unknown[]) => Promise<void>;
}

/** What the patient still lacks to be as ill as promised, in words; undefined once it is. */
export type Missing = (
  activity: readonly ApplicationActivity[],
) => string | undefined | Promise<string | undefined>;

export interface Scene {
  /** What goes on, in a sentence for the one who watches. */
  readonly story: string;
  readonly services: readonly ServicePlan[];
  /** Starts the trouble in services that already run, and waits until it is there. */
  begin(stage: SceneStage): Promise<void>;
  /** Takes back what ending the services does not end. */
  end?(stage: Pick<SceneStage, 'pooler' | 'run'>): Promise<void>;
}

/** Whole parts that differ by at most one. */
export function split(total: number, parts: number): number[] {
  return Array.from({ length: parts }, (_, index) => {
    return Math.floor((total * (index + 1)) / parts) - Math.floor((total * index) / parts);
  });
}
