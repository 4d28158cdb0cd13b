import type { Plan, PlanDraft, PlanTarget } from '../plan.ts';
import type { Action, RemedyRequest } from '../remedy-request.ts';
import { countOutcomes, done, refuse } from '../remedy.ts';
import type { Answer, Item, Refusal, Remedy, Report } from '../remedy.ts';
import type { HandOff } from './hand-off.ts';
import { placeOf } from './hand-off.ts';
import type { Planner, PlannerPorts } from './planner.ts';
import { isSafeName } from './psql.ts';

/** One option as somebody else runs it. Its `run` is never called; its `recover` looks what became of it. */
export interface HandOffRemedy extends Remedy {
  /** With what dbconn's own way refused, where it did. */
  propose(ask: RemedyRequest, instead?: Refusal): Promise<Answer<PlanDraft>>;
}

export function createHandOff(planner: Planner, ports: PlannerPorts): HandOffRemedy {
  return {
    option: planner.option,
    target: ports.target.name,
    propose: (ask, instead) => propose(planner, ports, { ask, instead }),
    recheck: (plan) => planner.recheck(plan),
    run: () => Promise.reject(new Error('A plan for a person is never run by dbconn.')),
    recover: async ({ plan, since }) => toReport(plan, await planner.readBack(plan, since)),
  };
}

interface Wish {
  readonly ask: RemedyRequest;
  readonly instead: Refusal | undefined;
}

async function propose(
  planner: Planner,
  ports: PlannerPorts,
  { ask, instead }: Wish,
): Promise<Answer<PlanDraft>> {
  const drafted = await planner.propose(ask);
  if (!drafted.ok) return drafted;
  const draft = drafted.value;
  const unsafe = draft.targets.flatMap(namesIn).find((name) => !isSafeName(name));
  if (unsafe !== undefined) {
    return refuse(
      'unsafe-name',
      'A name in this plan is not safe in a command, so dbconn shows none.',
      'Use a tool that takes names as data, such as psql with \\gset.',
    );
  }
  const { reading } = (await ports.takeSnapshot()).database;
  const place = placeOf(ports.target, reading);
  const isRaise = draft.option === 'B' && draft.frees.slots !== 0;
  const standbys = isRaise ? (reading?.standbys.length ?? 0) : 0;
  const byHand: HandOff = {
    why: instead?.why ?? lacks[planner.option],
    place,
    notes: [
      ...(instead?.kind === 'no-env-file' ? [instead.next.replace(/^By hand: /, '')] : []),
      ...(standbys > 0 ? ['Raise it on every standby first, or replay stops there.'] : []),
    ],
    edit: whatToEdit(draft, reading),
  };
  return done({ ...draft, steps, byHand });
}

const steps = [
  'A person runs the commands that appear here after the last approval',
  'dbconn checks the effect',
];

const noRole = 'No acting role is configured, so dbconn cannot run this itself.';
const noContainers = 'dbconn cannot reach the containers of this service.';

/** Why an option that is not set up cannot be run. */
const lacks: Readonly<Record<Action, string>> = {
  A: noRole,
  B: noRole,
  C: noContainers,
  D: noRole,
  E: noContainers,
  prepared: noRole,
  prevention: noRole,
};

function whatToEdit(
  { targets }: PlanDraft,
  reading: { readonly inRecovery: boolean } | undefined,
): HandOff['edit'] {
  const setting = targets.find((target) => target.kind === 'setting');
  if (setting === undefined) return null;
  if (setting.source === 'command line') return 'command line';
  return reading?.inRecovery === true ? 'standby' : null;
}

/** Every name that a command would hold. Numbers, times and the runbook's own words are none. */
function namesIn(target: PlanTarget): readonly string[] {
  switch (target.kind) {
    case 'session':
    case 'blocker':
      return [target.identity.user, target.identity.application].filter((name) => name !== '');
    case 'prepared':
      return [target.gid, target.owner, target.database];
    case 'setting':
      return target.role === null ? [] : [target.role];
    case 'pool':
      return [target.service];
    default:
      return [target.name];
  }
}

const untouched: ReadonlySet<Item['outcome']> = new Set<Item['outcome']>([
  'still there',
  'not reached',
]);

function toReport({ targets }: Plan, items: readonly Item[]): Report {
  const summary = `Checked afterwards: ${countOutcomes(items)}${targets.length > 1 ? `, of ${targets.length}` : ''}.`;
  const finished = !items.some(({ outcome }) => untouched.has(outcome));
  return { items: [...items], summary, finished };
}
