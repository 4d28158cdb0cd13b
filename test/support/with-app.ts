import { createApp } from '../../src/app.ts';

import type { Config } from '../../src/config/config.ts';
import { systemClock } from '../../src/timing.ts';
import type { App } from '../../src/app/deps.ts';

/** Works with dbconn as a terminal does: made for one command, and closed after it. */
export async function withApp<T>(config: Config, work: (app: App) => Promise<T>): Promise<T> {
  const app = createApp(config, { clock: systemClock, warn: () => undefined });
  try {
    return await work(app);
  } finally {
    await app.close();
  }
}
