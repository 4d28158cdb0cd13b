import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { PrivilegedUnavailable } from '../../src/runbook/remedies/remedy.ts';
import type { Reached } from './reached-adapters.ts';

/** The parts of the patient that live in the parent, as an engine outlives whoever called it. */
export interface Engine {
  readonly address: string;
  readonly reached: Reached;
  readonly countCalls: (method: string, firstArgument?: string) => number;
  readonly forgetCalls: () => void;
  close(): Promise<void>;
}

const Call = z.object({
  /** The same where somebody asks again because the answer was lost: what was begun goes on, as an engine's work does. */
  key: z.string(),
  part: z.enum(['services', 'pools', 'serverHost']),
  method: z.string(),
  args: z.array(z.unknown()),
});
type Call = z.infer<typeof Call>;
type Named = Omit<Call, 'key'>;
const Reply = z.union([
  z.object({ value: z.unknown() }),
  z.object({ error: z.string(), isExpected: z.boolean() }),
]);

export async function startEngine(original: Reached): Promise<Engine> {
  const calls: Named[] = [];
  const invoke = async (call: Named): Promise<unknown> => {
    calls.push(call);
    const part: object = original[call.part];
    const method: unknown = Reflect.get(part, call.method);
    if (typeof method !== 'function') throw new Error(`The patient has no ${call.method}.`);
    const value: unknown = await Reflect.apply(method, part, call.args);
    return value;
  };
  const begun = new Map<string, Promise<unknown>>();
  const invokeOnce = (call: Call): Promise<unknown> => {
    const work = begun.get(call.key) ?? invoke(call);
    begun.set(call.key, work);
    return work;
  };
  const server = createServer((request, response) => {
    void readCall(request)
      .then(invokeOnce)
      .then(
        // JSON leaves undefined out, and a method that returns nothing has a value all the same.
        (value) => ({ value: value ?? null }),
        (error: unknown) => ({
          error: error instanceof Error ? error.message : String(error),
          isExpected: error instanceof PrivilegedUnavailable,
        }),
      )
      .then((reply) => response.end(JSON.stringify(reply)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port to be had.');
  return {
    address: `http://127.0.0.1:${address.port}/`,
    reached: reachedBy(invoke),
    countCalls: (method, first) =>
      calls.filter((call) => call.method === method && (first ?? call.args[0]) === call.args[0])
        .length,
    forgetCalls() {
      calls.splice(0);
      begun.clear();
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Longer than any fault on the way to it lasts. */
const patienceMs = 30_000;
const againAfterMs = 100;

/** The engine as the child has it. An answer that was lost is asked for again, as the adapter of Docker looks again. */
export function reachEngine(address: string): Reached {
  return reachedBy(async (named) => {
    const body = JSON.stringify({ ...named, key: crypto.randomUUID() });
    const reply = await ask(address, body);
    if ('value' in reply) return reply.value;
    if (!('error' in reply)) return undefined;
    throw reply.isExpected ? new PrivilegedUnavailable(reply.error) : new Error(reply.error);
  });
}

async function ask(address: string, body: string): Promise<z.infer<typeof Reply>> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    try {
      const response = await fetch(address, { method: 'POST', body });
      return Reply.parse(await response.json());
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await sleep(againAfterMs);
  }
}

/** Every method of such an object is that one function. */
function through(send: (call: Omit<Named, 'part'>) => Promise<unknown>): ProxyHandler<object> {
  return {
    get: (_, method) =>
      // A promise resolved with it would ask for `then`.
      method === 'then' || typeof method === 'symbol'
        ? undefined
        : (...args: unknown[]) => send({ method, args }),
  };
}

function reachedBy(send: (call: Named) => Promise<unknown>): Reached {
  const part = (name: Named['part']): ProxyHandler<object> =>
    through((call) => send({ part: name, ...call }));
  const reached = {
    services: new Proxy({}, part('services')),
    pools: new Proxy({}, part('pools')),
    serverHost: new Proxy({}, part('serverHost')),
  };
  if (!isReached(reached)) throw new Error('The engine has not all its parts.');
  return reached;
}

/** Which methods there are is known to the engine alone: it refuses the others. */
function isReached(parts: object): parts is Reached {
  return 'services' in parts && 'pools' in parts && 'serverHost' in parts;
}

async function readCall(request: IncomingMessage): Promise<Call> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return Call.parse(JSON.parse(text));
}
