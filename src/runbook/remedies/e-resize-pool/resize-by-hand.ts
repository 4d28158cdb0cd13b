import { gatherEvidence } from '../../diagnose/evidence.ts';
import type { Evidence } from '../../diagnose/evidence.ts';
import { hasNoVariable } from '../../diagnose/pool-sizes.ts';
import type { Planner, PlannerPorts } from '../by-hand/planner.ts';
import type { Plan, PlanDraft } from '../plan.ts';
import type { RemedyRequest } from '../remedy-request.ts';
import { done, refuse } from '../remedy.ts';
import type { Answer, Item, Recheck } from '../remedy.ts';
import { mayResize } from '../replicas/service-replicas.ts';
import { choosePool } from './choose-size.ts';
import { draftResize } from './draft.ts';
import { poolOf } from './ports.ts';
import { count } from '../../snapshot/words.ts';

/** Option E where dbconn writes no file: the same numbers, judged by the same budget. */
export function planResizes(ports: PlannerPorts): Planner {
  return {
    option: 'E',
    propose: (ask) => proposeResize(ports, ask),
    recheck: (plan) => recheckResize(ports, plan),
    readBack: (plan) => readBack(ports, plan),
  };
}

async function read({ takeSnapshot, target }: PlannerPorts): Promise<Evidence> {
  return gatherEvidence({ snapshot: await takeSnapshot(), target, recent: [] });
}

async function proposeResize(ports: PlannerPorts, ask: RemedyRequest): Promise<Answer<PlanDraft>> {
  if (ask.kind !== 'resize-pool') throw new Error('Option E only resizes pools.');
  const service = mayResize(ports, ask.service);
  if (!service.ok) return service;
  const evidence = await read(ports);
  const choice = choosePool(evidence, ask.service, ask.size);
  if (!choice.ok) return choice;
  const replicas = evidence.services.find(({ name }) => name === ask.service)?.replicas ?? [];
  const known = replicas.find(({ poolVariables }) => poolVariables !== undefined)?.poolVariables;
  // A variable that its containers do not have changes nothing.
  if (known !== undefined && known.size === undefined) {
    return refuse('no-variable', hasNoVariable(ask.service), 'Check with /dbconn pool.');
  }
  const { to } = choice.value;
  const draft = draftResize({
    ...choice.value,
    ask: { kind: 'resize-pool', service: ask.service, size: to },
    evidence,
    edit: { path: '', copyPath: '', oldSha256: null, newSha256: '' },
    set: {},
    file: '',
    sharedWith: [],
    assumed: false,
    targets: [],
    skipped: [],
  });
  const { variables } = service.value;
  const isAssumed = known === undefined && variables?.size === undefined;
  return done({
    ...draft,
    title: draft.title.replace(/, \d+ containers?$/, ' with a restart'),
    targets: draft.targets.map((target) => {
      if (target.kind !== 'pool' || known !== undefined || variables === undefined) return target;
      const { size = target.variables.size, overflow = null } = variables;
      return { ...target, variables: { size, overflow } };
    }),
    cost: [
      ...(isAssumed
        ? [`The variable names of ${ask.service} are unknown: dbconn assumes the usual ones.`]
        : []),
      'Requests in progress fail.',
      'Startup may run migrations.',
    ],
  });
}

/** The numbers still fit, and nobody changed them since. */
async function recheckResize(ports: PlannerPorts, plan: Plan): Promise<Recheck> {
  const pool = poolOf(plan);
  const choice = choosePool(await read(ports), pool.service, pool.to);
  const isSame =
    choice.ok &&
    choice.value.from?.poolSize === pool.from?.poolSize &&
    choice.value.from?.maxOverflow === pool.from?.maxOverflow;
  if (isSame) return { left: [pool], skipped: [] };
  const reason = choice.ok ? 'its pool was resized since' : choice.refusal.why;
  return { left: [], skipped: [{ what: pool.service, label: '', reason }] };
}

/** What the pools themselves report; a configured number tells nothing of what runs. */
async function readBack(ports: PlannerPorts, plan: Plan): Promise<Item[]> {
  const { service, to } = poolOf(plan);
  const { poolReadings } = await read(ports);
  const own = poolReadings.filter((pool) => pool.service === service && pool.size !== null);
  const isNew = own.filter(
    ({ size, maxOverflow }) =>
      size === to.poolSize && (maxOverflow ?? to.maxOverflow) === to.maxOverflow,
  ).length;
  const item = { what: service, lines: [] };
  if (own.length === 0) {
    return [{ ...item, outcome: 'unknown', detail: 'No pool metrics show its numbers.' }];
  }
  return isNew === own.length
    ? [{ ...item, outcome: 'set', detail: 'Its pool metrics show the new numbers.' }]
    : [
        {
          ...item,
          outcome: 'not reached',
          detail: `Other numbers are still in ${own.length - isNew} of its ${count(own.length, 'pool')}.`,
        },
      ];
}
