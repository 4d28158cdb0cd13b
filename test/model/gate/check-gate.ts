import type { GateSystem } from './system.ts';

/** What holds after every command. */
export async function checkGate({ rules, ledger, faults, processes }: GateSystem): Promise<void> {
  const counts = new Map<string, number>();
  for (const { plan } of ledger.deeds()) counts.set(plan, (counts.get(plan) ?? 0) + 1);
  for (const [plan, times] of counts) {
    if (times > 1) rules.broken.push(`${plan} ran ${times} times.`);
  }
  const found = await processes[0]?.journal.verify();
  const isTampered = rules.tampered.size > 0 || rules.hasHole;
  if (found?.ok === false && !isTampered) rules.broken.push(`The journal says ${found.problem}`);
  if (found?.ok === true && isTampered) rules.broken.push('The journal says that it is whole.');
  if (faults.length > 0) throw new AggregateError(faults, 'An execution broke.');
  if (rules.broken.length > 0) throw new Error(rules.broken.join(' '));
}

/** What holds once everything could come to its end: nothing runs, nothing blocks a target. */
export async function checkEnd(system: GateSystem): Promise<void> {
  const { machine, processes, rules } = system;
  for (const process of processes) {
    process.pausesAt.clear();
    await system.goOn(process);
  }
  // A lease runs out, another process takes over, and a verification comes to its end.
  for (let rounds = 0; rounds < 8; rounds += 1) {
    await machine.pass(21_000, () => system.settle());
    for (const process of processes) {
      await process.renew();
      const taken = await process.approvals.takeOver();
      if (!taken.ok) throw new Error(taken.refusal.why);
      for (const { id } of taken.value) system.begin(process, id);
      await system.settle();
    }
  }
  // What to finish is read from the record: where that was changed, a person has to look.
  const left = [...rules.requests.values()].filter(
    ({ state, target }) =>
      ['approved', 'executing', 'verifying'].includes(state) &&
      !rules.hasGap &&
      !rules.tampered.has(target),
  );
  for (const { id, state } of left) rules.broken.push(`${id} is ${state} for ever.`);
  await checkGate(system);
}
