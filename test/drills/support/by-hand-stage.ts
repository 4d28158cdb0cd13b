import { expect } from 'vitest';
import type { Patient } from '../../../sandbox/patient/patient.ts';
import { toText } from '../../../sandbox/message-text.ts';
import type { SlackMessage } from '../../../sandbox/slack/workspace.ts';
import { systemClock } from '../../../src/timing.ts';
import { openPrivileged } from '../../../src/app/changing-adapters.ts';
import { createDatabase } from '../../../src/postgres/lifeline.ts';
import { createTargetMonitor } from '../../../src/runbook/loop/target-monitor.ts';
import type { TargetAdapters } from '../../../src/runbook/loop/target-monitor.ts';
import type { Target } from '../../../src/runbook/snapshot/target.ts';
import { startPatient } from '../../support/clusters.ts';
import { patienceMs } from '../../support/until.ts';
import { ask, card, jonas, maya, openConversation, press } from './conversation.ts';
import type { Bot, Conversation } from './conversation.ts';
import { databaseOptions } from '../../support/database-options.ts';

/** A target that dbconn can only look at: neither an acting role nor a socket of Docker. */
export interface ByHandStage {
  readonly patient: Patient;
  /** How the target says it is run. */
  runtime: NonNullable<Target['runtime']>;
  readonly open: () => Promise<{ readonly stage: Conversation; readonly bot: Bot }>;
  /** A leak of one service whose restart was proposed and approved, up to the card with its commands. */
  handRestart(): Promise<HandedRestart>;
  /** Ends what `open` began and all trouble. */
  tidy(): Promise<void>;
  close(): Promise<void>;
}

interface HandedRestart {
  readonly stage: Conversation;
  readonly bot: Bot;
  readonly ts: string;
  readonly service: string;
}

export async function openByHandStage(seed: number): Promise<ByHandStage> {
  const patient = await startPatient({ seed });
  const adapters: TargetAdapters = {
    get target() {
      return { ...patient.target(), runtime: stage.runtime };
    },
    database: createDatabase(
      databaseOptions(patient.urls.dbconn, {
        target: patient.target().name,
        limits: patient.limits,
      }),
    ),
    services: patient.services(),
    pools: patient.pools(),
    planning: openPrivileged(patient.urls.dbconn),
  };
  let conversation: Conversation | undefined;
  const stage: ByHandStage = {
    patient,
    runtime: { kind: 'kubernetes', namespace: 'shop' },
    async open() {
      conversation = await openConversation({
        targets: {
          targetAdapters: [adapters],
          monitor: createTargetMonitor([adapters], systemClock),
        },
        verifyAfterMs: 500,
      });
      return { stage: conversation, bot: await conversation.start() };
    },
    handRestart: () => handRestart(stage, adapters),
    async tidy() {
      await conversation?.close();
      conversation = undefined;
      await patient.heal();
    },
    async close() {
      await adapters.database.close();
      await patient.close();
    },
  };
  // As the bot does at its start: the connection must be there before the slots are gone.
  await adapters.database.readSnapshot();
  return stage;
}

async function handRestart(
  { patient, open }: ByHandStage,
  adapters: TargetAdapters,
): Promise<HandedRestart> {
  await patient.trouble('connection-leak', { leak: 'autocommit' });
  const { stage, bot } = await open();
  const diagnosis = await createTargetMonitor([adapters], systemClock).diagnose(
    patient.target().name,
  );
  const service = diagnosis.proposals.find(({ option }) => option === 'C')?.subject ?? 'none';
  await ask(stage, maya, `propose C ${service}`);
  const proposed = await card(stage, 'Proposed, option C');
  const { ts } = proposed;
  const early = `${toText(proposed)}${JSON.stringify(await bot.journal.entries())}`;
  expect(early).not.toContain('kubectl');
  expect(await press(stage, { user: jonas, ts })).toContain('The commands are on its card');
  const handed = await card(stage, 'Approved to run by hand');
  expect(handed.ts).toBe(ts);
  expect(commandsOn(handed)).toEqual([
    `kubectl -n shop rollout restart deployment/${service}`,
    `kubectl -n shop rollout status deployment/${service} --timeout=10m`,
  ]);
  return { stage, bot, ts, service };
}

/** Restarts every replica of a service, as the commands would. */
export async function restartReally(patient: Patient, service: string): Promise<void> {
  const containers = patient.services();
  const read = await containers.readServices();
  const found = read.ok ? read.value.services.find(({ name }) => name === service) : undefined;
  for (const { id } of found?.replicas ?? []) {
    const patience = { stopTimeoutSeconds: 10, healthyWithinMs: patienceMs };
    await containers.restartReplica(id, patience);
  }
}

/** The commands that a card shows, to the letter. */
export function commandsOn({ blocks = [] }: SlackMessage): string[] {
  const text = /"rich_text_preformatted","elements":\[\{"type":"text","text":("(?:[^"\\]|\\.)*")/g;
  return [...JSON.stringify(blocks).matchAll(text)].map(([, quoted = '""']) =>
    String(JSON.parse(quoted)),
  );
}
