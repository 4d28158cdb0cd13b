import { createServer, connect } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { p95, startWard, startWatching } from '../../bench/watch.ts';
import type { LookMade, Ward, WatchCost, Watching } from '../../bench/watch.ts';
import { startCluster } from '../../sandbox/patient/cluster.ts';
import type { Cluster } from '../../sandbox/patient/cluster.ts';

const everyMs = 15_000;
/** Each of the two measured phases; five minutes by hand: DBCONN_PHASE_SECONDS=300. */
const phaseMs = Number(process.env['DBCONN_PHASE_SECONDS'] ?? 30) * 1000;
const patienceMs = 2 * phaseMs + 240_000;

let ward: Ward | undefined;
let watching: Watching | undefined;
let frozen: Cluster | undefined;
let dead: Cluster | undefined;
let slow: SlowRoad | undefined;

afterEach(async () => {
  await watching?.close();
  slow?.close();
  await Promise.all([frozen?.close(), dead?.close(), ward?.close()]);
});

/** Targets that stay well, on four servers, and those of each kind that will not. */
const [well, inTrouble] = [110, 30];

async function admit(): Promise<ReadonlyMap<string, string>> {
  ward = await startWard([15, 15, 18, 18]);
  frozen = await startCluster();
  dead = await startCluster();
  slow = await SlowRoad.to(frozenPort(ward));
  const urls = new Map<string, string>();
  for (let index = 0; index < well; index += 1) {
    urls.set(`well-${index}`, ward.clusters[index % 4]?.url() ?? '');
  }
  for (let index = 0; index < inTrouble; index += 1) {
    urls.set(`frozen-${index}`, frozen.url());
    urls.set(`dead-${index}`, dead.url());
    urls.set(`slow-${index}`, `postgres://postgres@127.0.0.1:${slow.port}/postgres`);
  }
  return urls;
}

function frozenPort({ clusters }: Ward): number {
  return clusters[3]?.port ?? 0;
}

function looksAt(kind: string, { looks }: WatchCost): LookMade[] {
  return looks.filter(({ target }) => target.startsWith(kind));
}

/** The longest time one of these targets was not looked at, between two looks. */
function longestPauseMs(looks: readonly LookMade[]): number {
  const byTarget = Map.groupBy(looks, ({ target }) => target);
  const pauses = [...byTarget.values()].flatMap((of) =>
    of.slice(1).map(({ at }, index) => at - (of[index]?.at ?? 0)),
  );
  return Math.max(...pauses);
}

function tell(phase: string, cost: WatchCost): void {
  const looks = looksAt('well', cost);
  const figures = [
    `${looks.length} looks at targets that are well`,
    `95th percentile ${p95(looks).toFixed(1)} ms`,
    `longest pause ${(longestPauseMs(looks) / 1000).toFixed(1)} s`,
    `CPU ${(cost.cpuShare * 100).toFixed(1)} % of one core`,
    `${cost.residentMb.toFixed(0)} MB resident`,
  ];
  process.stdout.write(`${phase}: ${figures.join(', ')}\n`);
}

test(
  '200 targets every 15 s cost a fifth of a core at most, and those that are dead, frozen or slow delay no other',
  { timeout: patienceMs },
  async () => {
    watching = await startWatching(await admit(), everyMs);
    await sleep(everyMs + 5_000); // the first look at each opens its connection
    const calm = await watching.measure(phaseMs);
    tell('all well', calm);
    await frozen?.freeze('all');
    await dead?.stop('immediate');
    slow?.delayBy(900);
    await sleep(everyMs); // until each was looked at once in its new state
    const trouble = await watching.measure(phaseMs);
    tell('90 of 200 in trouble', trouble);
    for (const cost of [calm, trouble]) {
      const looks = looksAt('well', cost);
      expect(looks.filter(({ via }) => via !== 'warm')).toEqual([]);
      expect(new Set(looks.map(({ target }) => target)).size).toBe(well);
      expect(looks.length).toBeGreaterThan((well * phaseMs * 0.85) / everyMs);
      expect(p95(looks)).toBeLessThan(1000);
      expect(longestPauseMs(looks)).toBeLessThan(1.5 * everyMs); // with a tenth of jitter
      expect(cost.cpuShare).toBeLessThan(0.2);
      expect(cost.residentMb).toBeLessThan(250);
    }
    // A machine that is busy with something else doubles both; waiting for another target would add seconds.
    const wellThen = p95(looksAt('well', calm));
    expect(p95(looksAt('well', trouble))).toBeLessThan(3 * wellThen + 100);
    for (const kind of ['frozen', 'dead']) {
      const looks = looksAt(kind, trouble);
      expect(new Set(looks.map(({ target }) => target)).size).toBe(inTrouble);
      // Thirty targets on one frozen server fill its queue of logins, and it looks like one that is not there.
      const states = kind === 'frozen' ? ['critical', 'unknown'] : ['critical'];
      expect(looks.filter(({ via }) => via !== 'none')).toEqual([]);
      expect(looks.filter(({ state }) => !states.includes(state))).toEqual([]);
    }
    const late = looksAt('slow', trouble);
    expect(new Set(late.map(({ target }) => target)).size).toBe(inTrouble);
    expect(Math.min(...late.map(({ tookMs }) => tookMs))).toBeGreaterThan(900);
  },
);

/** A TCP road to a port that delivers everything late. */
class SlowRoad {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #delayMs = 0;

  private constructor(port: number) {
    this.#server = createServer((near) => {
      const far = connect(port, '127.0.0.1');
      this.#carry(near, far);
      this.#carry(far, near);
    });
  }

  static async to(port: number): Promise<SlowRoad> {
    const road = new SlowRoad(port);
    await new Promise<void>((resolve) => road.#server.listen(0, '127.0.0.1', resolve));
    return road;
  }

  get port(): number {
    const address: AddressInfo | string | null = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  delayBy(ms: number): void {
    this.#delayMs = ms;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #carry(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.on('data', (chunk) => {
      setTimeout(() => to.writable && to.write(chunk), this.#delayMs);
    });
    from.on('error', () => to.destroy());
    from.on('close', () => {
      this.#sockets.delete(from);
      setTimeout(() => to.end(), this.#delayMs);
    });
  }
}
