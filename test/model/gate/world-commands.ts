import { boolean, constant, constantFrom, integer, record, subarray } from 'fast-check';
import type { Standing } from '../../../src/runbook/approvals/people.ts';
import { command } from './command.ts';
import type { PausePoint } from './ledger.ts';
import { targets } from './system.ts';

const process = integer({ min: 0, max: 1 });
const approver = constantFrom('UBOB', 'UCEM', 'UDAN');
const seldom = constantFrom(true, false, false, false);
const seconds = constantFrom(1, 3, 5, 10, 19, 21, 60, 121, 600, 899, 900);

export const wait = command('wait', seconds, (system, given) =>
  system.machine.pass(given * 1000, () => system.settle()),
);

/** Somebody, or NTP, sets the machine's clock. */
export const setClock = command(
  'set clock',
  constantFrom(-86_400, -3600, -60, -5, 5, 60, 3600, 86_400),
  ({ machine, rules }, by) => {
    machine.aheadMs += by * 1000;
    rules.jumps += 1;
    return Promise.resolve();
  },
);

/** What each process does every few seconds. */
export const round = command('round', process, async (system, at) => {
  const here = system.process(at);
  await here.renew();
  const taken = await here.approvals.takeOver();
  if (!taken.ok) throw new Error(taken.refusal.why);
  for (const { id } of taken.value) system.begin(here, id);
  await here.approvals.sweep();
  system.rules.swept(here.clock);
});

const points: readonly PausePoint[] = ['look', 'recheck', 'deed', 'record'];

/** From now on what runs in that process stands still at these points. */
export const standStill = command(
  'stand still',
  record({ process, at: subarray([...points]) }),
  (system, args) => {
    const { pausesAt } = system.process(args.process);
    pausesAt.clear();
    for (const point of args.at) pausesAt.add(point);
    return Promise.resolve();
  },
);

export const goOn = command(
  'go on',
  record({ process, isLate: seldom }),
  (system, { process: at, isLate }) => system.goOn(system.process(at), isLate),
);

/** Whether dbconn has a role that may end sessions there. */
export const setPower = command(
  'acting role',
  record({ target: constantFrom(...targets), isThere: boolean() }),
  ({ rules }, { target, isThere }) => {
    if (isThere) rules.powerless.delete(target);
    else rules.powerless.add(target);
    return Promise.resolve();
  },
);

export const kill = command('kill', process, (system, at) => system.replace(at));

export const setStanding = command(
  'set standing',
  record({
    person: approver,
    standing: constantFrom<Standing>(
      'member',
      'member',
      'member',
      'guest',
      'deactivated',
      'stranger',
    ),
  }),
  ({ people, rules }, { person, standing }) => {
    people.standings.set(person, standing);
    rules.people.standings.set(person, standing);
    return Promise.resolve();
  },
);

export const setGroup = command('set group', subarray(['UDAN', 'UANN']), (system, members) => {
  const { people, rules } = system;
  people.groups.set('SDBA', members);
  rules.people.group.clear();
  for (const member of members) rules.people.group.add(member);
  return Promise.resolve();
});

export const setOutage = command('Slack is away', seldom, ({ people, rules }, isAway) => {
  people.outage = isAway ? 'Slack did not answer.' : undefined;
  rules.people.outage = isAway;
  return Promise.resolve();
});

export const setBrake = command('stop file', seldom, ({ rules }, isThere) => {
  rules.stopSwitch = isThere;
  return Promise.resolve();
});

export const churn = command(
  'sessions change',
  record({ target: constantFrom(...targets), come: boolean(), go: constantFrom(1, 2, 3) }),
  ({ ledger }, { target, come, go }) => {
    for (const pid of ledger.pids(target).slice(0, go)) ledger.disconnect(target, pid);
    if (come) ledger.connect(target, [101, 102, 103]);
    return Promise.resolve();
  },
);

export const connect = command('sessions come', constant(null), ({ ledger }) => {
  for (const target of targets) ledger.connect(target, [101, 102, 103]);
  return Promise.resolve();
});
