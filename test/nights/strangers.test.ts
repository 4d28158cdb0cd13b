import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Diagnosis } from '../../src/runbook/diagnose/diagnosis.ts';
import { parseRemedyCommand } from '../../src/runbook/commands/parse-remedy.ts';
import { container, containersOf } from './support/containers.ts';
import { variants } from './support/variants.ts';
import { useNightServer } from './support/night-server.ts';
import { diagnoseOnce } from './support/night.ts';

/** Night 9: clients that no configuration knows hold nearly every slot, and the service is squeezed out. */
const server = useNightServer({ settings: { max_connections: 60, reserved_connections: 3 } }, [
  'GRANT pg_use_reserved_connections TO dbconn',
]);

const limits = { terminateIdleMs: 200, idleInTransactionWarningMs: 5_000 };

describe.each(variants)('strangers ($seed)', ({ seeded, applications, user }) => {
  const [service, ...strange] = applications;
  const held = seeded.between(3, 5);
  const stranger = `s${user}`;
  const target = { services: [{ name: service, workers: 1 }] };

  const look = async (): Promise<Diagnosis> => {
    const one = container(`${service}-1`, {
      number: 1,
      pool: { size: 6, maxOverflow: 3, timeoutSeconds: null, recycleSeconds: null, prePing: null },
    });
    return diagnoseOnce(server.cluster, {
      limits,
      target,
      services: containersOf({ [service]: [one] }),
    });
  };
  const expectNotTouched = ({ proposals }: Diagnosis): void => {
    for (const { option, subject, command } of proposals) {
      expect(subject).not.toBe(service);
      expect(command ?? '').not.toContain(service);
      expect(['B', 'C', 'E']).not.toContain(option);
    }
  };

  beforeAll(async () => {
    await server.sessions.ask(`CREATE ROLE ${user} LOGIN`);
    await server.sessions.ask(`CREATE ROLE ${stranger} LOGIN`);
  });
  beforeEach(() => server.sessions.openMany(held, { user, application: service }));
  afterEach(() => server.sessions.endAll());

  test.each([
    ['one report', [strange[0]]],
    ['many functions with names of their own', strange],
  ])('%s: named as the subject, with a limit for their role', async (_, names) => {
    for (const name of names) {
      await server.sessions.openMany(Math.floor(44 / names.length), {
        user: stranger,
        application: name,
      });
    }
    await server.sessions.takeAllSlots({ user: stranger, application: strange[0] });
    const diagnosis = await look();
    const { state, verdict, findings, proposals, budget, capacity } = diagnosis;
    expect(state).toBe('critical');
    expect(verdict).toContain('belong to no configured service');
    expect(verdict).toContain(`${service} gets too few connections`);
    const found = findings.find(({ id }) => id === 'strangers');
    expect(found?.evidence[0]).toContain(stranger);
    expect(budget.lines[0]?.holds).toBe(held);
    expectNotTouched(diagnosis);
    const limit = proposals.find(({ option }) => option === 'prevention');
    expect(limit?.command).toContain(`connection-limit for ${stranger}`);
    const { remedyCommand } = parseRemedyCommand((limit?.command ?? '').slice('propose '.length), [
      'night',
    ]);
    if (remedyCommand?.option !== 'prevention' || !('limit' in remedyCommand))
      throw new Error('It is a limit.');
    // What the service may open, and the others hold, fits beside it.
    expect((remedyCommand.limit ?? 0) + 9).toBeLessThanOrEqual((capacity?.usable ?? 0) * 0.8);
  });

  test('who shares the role of the service is not limited by it', async () => {
    await server.sessions.takeAllSlots({ user, application: strange[0] });
    const diagnosis = await look();
    expect(diagnosis.verdict).toContain('belong to no configured service');
    expect(diagnosis.findings.find(({ id }) => id === 'strangers')?.fix).toContain(
      'their own role',
    );
    expectNotTouched(diagnosis);
    expect(diagnosis.proposals.map(({ option }) => option)).not.toContain('prevention');
  });

  test('few strangers beside a service are nobody’s trouble', async () => {
    await server.sessions.openMany(3, { user: stranger, application: strange[0] });
    const { state, findings } = await look();
    expect(state).toBe('fine');
    expect(findings.map(({ id }) => id)).not.toContain('strangers');
  });
});
