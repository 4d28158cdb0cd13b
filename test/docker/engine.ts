import { withTimeout } from '../../src/timing.ts';
import { connectDocker } from '../../src/docker/connect.ts';

/**
 * Why the Docker tests cannot run here; null when they can. With CI=true a missing engine throws: there a
 * skip would pass for a proof.
 */
export async function whyNoEngine(): Promise<string | null> {
  try {
    await withTimeout(10_000, () => connectDocker(process.env).ping());
    return null;
  } catch (error) {
    const reason = `no Docker engine answers (${error instanceof Error ? error.message : String(error)})`;
    if (process.env['CI'] === 'true') {
      throw new Error(`CI=true, but ${reason}. Run .ci/docker.sh first.`, { cause: error });
    }
    return reason;
  }
}
