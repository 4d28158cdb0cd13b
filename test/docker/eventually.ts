import { systemClock } from '../../src/timing.ts';

/** As long as a slow and shared machine may need. */
const patienceMs = 60_000;

/** Reads again until it holds, and gives what was read. Throws the last answer when it never does. */
export async function eventually<T>(
  read: () => Promise<T>,
  holds: (value: T) => boolean,
): Promise<T> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const value = await read();
    if (holds(value)) return value;
    if (Date.now() > deadline) throw new Error(`Still ${JSON.stringify(value)}`);
    await systemClock.sleep(100);
  }
}
