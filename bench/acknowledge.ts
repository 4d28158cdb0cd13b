import { incidentChannel, people, setStage } from '../sandbox/stage.ts';
import { toTiming } from './timing.ts';
import type { Timing } from './timing.ts';

/** Slack waits three seconds. A frozen PostgreSQL must not be felt in them. */
export async function benchAcknowledgement(commands: number): Promise<Timing> {
  const stage = await setStage({ seed: 1 });
  try {
    const [{ id: user }] = people;
    const typed = { user, channel: incidentChannel, text: '/dbconn causes' };
    await stage.slack.typeCommand(typed);
    await stage.patient.cluster.freeze('all');
    const samples: number[] = [];
    for (let index = 0; index < commands; index += 1) {
      const began = performance.now();
      const { acked } = await stage.slack.typeCommand(typed);
      if (!acked) throw new Error('A command was not acknowledged.');
      samples.push(performance.now() - began);
    }
    return toTiming('acknowledgement', samples);
  } finally {
    await stage.patient.cluster.thaw();
    await stage.close();
  }
}
