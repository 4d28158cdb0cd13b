import { gatherEvidence } from '../../diagnose/evidence.ts';
import type { Evidence } from '../../diagnose/evidence.ts';
import { assignVariables } from '../../diagnose/pool-sizes.ts';
import type { ReplicaReading } from '../../snapshot/snapshot.ts';
import type { Plan, PlanDraft, Skipped } from '../plan.ts';
import type { RemedyRequest } from '../remedy-request.ts';
import { done, refuse } from '../remedy.ts';
import type { Answer, Recheck, Remedy } from '../remedy.ts';
import {
  mayResize,
  readReplicas,
  whyNotRunning,
  replicasOf,
} from '../replicas/service-replicas.ts';
import { choosePool } from './choose-size.ts';
import type { ChosenPool } from './choose-size.ts';
import { draftResize } from './draft.ts';
import type { EditAnswer, OptionEPorts } from './ports.ts';
import { poolOf, resizeOf } from './ports.ts';
import { recoverResize } from './recover.ts';
import { runResize } from './run.ts';

/** Runbook option E: other pool numbers in the project's `.env`, and containers recreated with them. */
export function createOptionE(ports: OptionEPorts): Remedy {
  return {
    option: 'E',
    target: ports.target.name,
    propose: (ask) => proposeResize(ports, ask),
    recheck: (plan) => recheckResize(ports, plan),
    run: (plan, left, control) => runResize(ports, { plan, left, control }),
    recover: (interrupted, control) => recoverResize(ports, interrupted, control),
  };
}

async function proposeResize(ports: OptionEPorts, ask: RemedyRequest): Promise<Answer<PlanDraft>> {
  if (ask.kind !== 'resize-pool') throw new Error('Option E only resizes pools.');
  const service = mayResize(ports, ask.service);
  if (!service.ok) return service;
  const snapshot = await ports.takeSnapshot();
  const replicas = readReplicas(snapshot, ask.service);
  if (!replicas.ok) return replicas;
  const evidence = gatherEvidence({ snapshot, target: ports.target, recent: [] });
  const choice = choosePool(evidence, ask.service, ask.size);
  if (!choice.ok) return choice;
  const hand = byHand(evidence, choice.value);
  const ids = replicas.value.map(({ id }) => id);
  const planned = await ports.poolSettings.planEdit({
    service: ask.service,
    ids,
    to: choice.value.to,
  });
  if (!planned.ok) return refuseEdit(planned, hand);
  const obstacles = await ports.poolSettings.readObstacles(ids);
  const skipped = replicas.value.flatMap((replica) => {
    const reason =
      whySkipped(ports, replica) ?? obstacles.find(({ id }) => id === replica.id)?.reason;
    return reason === undefined ? [] : [{ what: replica.name, label: '', reason }];
  });
  const names = new Set(skipped.map(({ what }) => what));
  const targets = replicas.value.filter(({ name }) => !names.has(name));
  if (targets.length === 0) {
    const reasons = [...new Set(skipped.map(({ reason }) => reason))].join('; ');
    const why = `None of the containers of ${ask.service} can be recreated: ${reasons}.`;
    return refuse('nothing-to-do', why, hand);
  }
  return done(draftResize({ ask, ...choice.value, ...planned.value, evidence, targets, skipped }));
}

function whySkipped(
  { refusedContainers }: OptionEPorts,
  replica: ReplicaReading,
): string | undefined {
  const { id } = replica;
  if (refusedContainers.some((own) => own.startsWith(id) || id.startsWith(own))) {
    return 'dbconn runs in it';
  }
  return whyNotRunning(replica);
}

function refuseEdit(
  { problem: { summary, fix = '' }, byHand }: Extract<EditAnswer, { ok: false }>,
  usual: string,
): Answer<never> {
  return refuse('no-env-file', `${summary} ${fix}`.trim(), byHand ?? usual);
}

/** Where nothing is known of the project's files. */
function byHand({ services }: Evidence, chosen: ChosenPool): string {
  const { service } = chosen.line;
  return `By hand: set ${assignVariables(services, chosen)} where ${service} gets its variables, then run docker compose up -d --no-deps --wait ${service}.`;
}

/** Pools are resized all together or not at all: numbers that hold for half the containers are nobody's plan. */
async function recheckResize(ports: OptionEPorts, plan: Plan): Promise<Recheck> {
  const pool = poolOf(plan);
  const planned = await ports.poolSettings.planEdit(resizeOf(plan));
  const replicas = readReplicas(await ports.takeSnapshot(), pool.service);
  const reason = !planned.ok
    ? `${pool.file} can no longer be written: ${planned.problem.summary.replace(/\.$/, '')}`
    : planned.value.edit.oldSha256 !== pool.envSha256 || planned.value.file !== pool.file
      ? `${pool.file} was edited since`
      : whyOthers(plan, replicas.ok ? replicas.value : []);
  if (reason === undefined) return { left: plan.targets, skipped: [] };
  const skipped = replicasOf(plan.targets).map(({ name }): Skipped => ({
    what: name,
    label: '',
    reason,
  }));
  return { left: [], skipped: [{ what: pool.file, label: '', reason }, ...skipped] };
}

function whyOthers(plan: Plan, now: readonly ReplicaReading[]): string | undefined {
  const planned = new Set(replicasOf(plan.targets).map(({ id }) => id));
  const left = plan.skipped.map(({ what }) => what);
  const present = now.filter(({ name }) => !left.includes(name)).map(({ id }) => id);
  const same = present.length === planned.size && present.every((id) => planned.has(id));
  if (!same) return 'the containers were replaced since';
  const down = now.find((one) => planned.has(one.id) && whyNotRunning(one) !== undefined);
  return down === undefined ? undefined : `${down.name} is no longer running`;
}
