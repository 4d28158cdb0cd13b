import { boolean, constantFrom, integer, nat, record } from 'fast-check';
import type { Arbitrary, AsyncCommand } from 'fast-check';
import type { Actor } from '../../../src/runbook/approvals/request.ts';
import type { Incident } from '../../../src/runbook/incidents/incident.ts';
import type { Incidents } from '../../../src/runbook/incidents/incidents.ts';
import type { Answer } from '../../../src/runbook/remedies/remedy.ts';
import { checkIncidents } from './check-incidents.ts';
import type { Mood } from './outside.ts';
import type { IncidentRulesModel, Sight } from './rules.ts';
import { targets } from './system.ts';
import type { IncidentSystem } from './system.ts';

export type IncidentCommand = AsyncCommand<IncidentRulesModel, IncidentSystem>;

/** One command: how it reads when it is printed, and what it does. All checks follow it. */
function command<T>(
  name: string,
  given: Arbitrary<T>,
  does: (system: IncidentSystem, args: T) => Promise<void>,
): Arbitrary<IncidentCommand> {
  return given.map((args) => ({
    toString: () => `${name} ${JSON.stringify(args)}`,
    check: () => true,
    async run(_rules, system) {
      await does(system, args);
      await checkIncidents(system);
    },
  }));
}

type Life = NonNullable<ReturnType<IncidentRulesModel['pick']>>;

/** What somebody does with one of the incidents, in whichever process is up. */
function byHand(
  name: string,
  does: (
    incidents: Incidents,
    life: Life,
    given: { readonly actor: Actor; readonly rules: IncidentRulesModel },
  ) => Promise<Answer<Incident>>,
  word: IncidentRulesModel['word'] = null,
): Arbitrary<IncidentCommand> {
  return command(name, record({ incident, person }), async ({ anybody, rules }, args) => {
    const life = rules.pick(args.incident);
    if (life === undefined || anybody === undefined) return;
    rules.word = word;
    await does(anybody.incidents, life, { actor: { id: args.person, via: 'slack' }, rules });
    rules.word = null;
  });
}

const incident = constantFrom(0, 0, 0, 1, 1, 2);
const person = constantFrom('UANN', 'UBOB');
const target = constantFrom(...targets.map(({ name }) => name));

export const pass = command(
  'pass',
  constantFrom(15, 30, 60, 60, 150, 150, 330, 615),
  (system, seconds) => system.pass(seconds * 1000),
);

export const see = command(
  'see',
  record({ target, sight: constantFrom<Sight>('calm', 'calm', 'uneasy', 'trouble', 'unseen') }),
  ({ sights }, args) => Promise.resolve(void sights.set(args.target, args.sight)),
);

export const alert = command(
  'alert',
  record({
    target,
    more: nat({ max: 1 }),
    isFiring: boolean(),
    times: integer({ min: 1, max: 2 }),
  }),
  (system, { more, ...args }) =>
    system.alertmanager.tell(system, { ...args, fingerprint: `${args.target}-${more}` }),
);

export const open = command('open', target, async ({ anybody, rules }, name) => {
  rules.word = 'begin';
  await anybody?.incidents.open(name, { id: 'UANN', via: 'slack' }, 'it is slow');
  rules.word = null;
});

export const assign = byHand('assign', async (incidents, life, { actor, rules }) => {
  const answer = await incidents.assign(life.id, actor);
  if (answer.ok && life.assignee !== actor.id) {
    life.assignee = actor.id;
    life.assignedAtMs = rules.now;
  }
  return answer;
});

export const silence = byHand('silence', async (incidents, life, { actor, rules }) => {
  const forMs = 4 * 60_000;
  const answer = await incidents.silence(life.id, actor, { forMs, reason: 'maintenance' });
  if (answer.ok) life.silencedUntilMs = rules.now + forMs;
  return answer;
});

export const unsilence = byHand('unsilence', async (incidents, life, { actor }) => {
  const answer = await incidents.unsilence(life.id, actor);
  if (answer.ok) life.silencedUntilMs = 0;
  return answer;
});

export const close = byHand(
  'close',
  (incidents, life, { actor }) => incidents.resolve(life.id, actor, 'it is well'),
  'end',
);

export const reopen = byHand(
  'reopen',
  (incidents, life, { actor }) => incidents.reopen(life.id, actor, 'it is back'),
  'begin',
);

export const callByHand = byHand('call', (incidents, life, { actor }) =>
  incidents.escalate(life.id, actor, { role: 'backend-lead', reason: 'come' }),
);

export const merge = command('merge', boolean(), async ({ anybody, rules }, isCrosswise) => {
  const both = targets.map(({ name }) => rules.openOf(name));
  const [part, into] = isCrosswise ? both : both.toReversed();
  if (part === undefined || into === undefined || anybody === undefined) return;
  const by: Actor = { id: 'UBOB', via: 'slack' };
  for (const key of part.firing) into.firing.add(key);
  const answer = await anybody.incidents.merge(part.id, into.id, by);
  if (!answer.ok) rules.broken.push(`A merge was refused: ${answer.refusal.kind}.`);
});

export const setUp = command(
  'process',
  record({ number: integer({ min: 0, max: 1 }), isUp: constantFrom(true, true, false) }),
  (system, { number, isUp }) => system.setUp(number, isUp),
);

export const setMood = command(
  'Slack and the pager',
  constantFrom<Mood>('takes', 'takes', 'dies', 'dies', 'refuses'),
  ({ outside }, mood) => {
    outside.mood = mood;
    return Promise.resolve();
  },
);

export const setClock = command(
  'set clock',
  constantFrom(-86_400, -3600, -60, 60, 3600, 86_400),
  ({ machine, rules }, by) => {
    machine.aheadMs += by * 1000;
    rules.jumps += 1;
    return Promise.resolve();
  },
);
