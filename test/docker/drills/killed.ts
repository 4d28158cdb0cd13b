import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { systemClock } from '../../../src/timing.ts';
import { readConfig } from '../../../src/config/config.ts';
import { openTargets } from '../../../src/app/target-adapters.ts';
import type { ApprovalRequest } from '../../../src/runbook/approvals/request.ts';
import type { RemedyRequest } from '../../../src/runbook/remedies/remedy-request.ts';
import { valueOf } from '../../runbook/approvals/answers.ts';
import type { KillPoint } from '../../crash/killing-journal.ts';
import { ann, openCrashApprovals } from '../../crash/open-crash-approvals.ts';
import { takeOverFirst } from '../../crash/take-over-first.ts';
import { makeJournalFolder } from '../../journal/temporary-journal.ts';
import { findCanary } from '../stack-monitor.ts';
import type { Stack } from '../stack.ts';
import type { Job } from './run-until-killed.ts';
import { configOf } from './stack-config.ts';
import type { ConfigOptions } from './stack-config.ts';

interface Attempt {
  readonly stack: Stack;
  readonly options: ConfigOptions;
  readonly ask: RemedyRequest;
  /** Null: nobody kills it. */
  readonly point: KillPoint | null;
}

interface Finished {
  readonly ended: ApprovalRequest;
  /** The kinds of entries the process wrote, in order. */
  readonly writes: readonly string[];
}

/** Five times what the slowest change takes; a process that hangs must not outlive its test. */
const childWithinMs = 60_000;

const script = fileURLToPath(new URL('run-until-killed.ts', import.meta.url));

/**
 * Proposes here, lets a process of its own approve and run it until it is killed, and finishes as the next start of
 * the bot does. Throws unless it has one end, the journal verifies, and nothing ran a second time.
 */
export async function runKilled({ stack, options, ask, point }: Attempt): Promise<Finished> {
  const folder = makeJournalFolder();
  const configFile = join(dirname(folder.file), 'dbconn.yml');
  // JSON is YAML too.
  const config = { ...(await configOf(stack, options)), journal: folder.file };
  writeFileSync(configFile, JSON.stringify(config));
  const {
    targetAdapters: [adapters],
  } = await openTargets(readConfig(process.env, configFile), { clock: systemClock });
  if (adapters === undefined) throw new Error('The configuration names no target.');
  const { approvals, journal, faults, runs, close } = await openCrashApprovals({
    address: folder.file,
    adapters,
  });
  try {
    const { id } = valueOf(await approvals.propose({ target: 'shop', ask, actor: ann }));
    const writes = await runChild({ configFile, id, point });
    if (point !== null) await takeOverFirst(approvals);
    const ended = valueOf(await approvals.settled(id));
    expect(ended.state).toMatch(/^(?:done|failed)$/);
    expect({ faults, runs: runs() }).toEqual({ faults: [], runs: 0 });
    expect(await journal.verify()).toMatchObject({ ok: true });
    expect(findCanary(JSON.stringify(await journal.entries()))).toBeUndefined();
    return { ended, writes };
  } finally {
    await close();
    folder.close();
  }
}

/**
 * Around the end of each step that a whole run wrote down: the deed is done and not recorded, and recorded with
 * nothing begun after it.
 */
export function killPoints(writes: readonly string[]): KillPoint[] {
  return writes.flatMap((kind, index) => {
    const write = index + 1;
    return kind === 'step-done'
      ? [
          { write, when: 'before' as const },
          { write, when: 'after' as const },
        ]
      : [];
  });
}

async function runChild(job: Job): Promise<string[]> {
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'pipe'] });
  let [output, errors] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const closed = once(child, 'close');
  child.stdin.end(`${JSON.stringify(job)}\n`);
  const overdue = setTimeout(() => child.kill(), childWithinMs);
  await closed;
  clearTimeout(overdue);
  const expected =
    job.point === null ? { signal: null, code: 0 } : { signal: 'SIGKILL', code: null };
  const { signalCode: signal, exitCode: code } = child;
  expect({ signal, code, errors }).toEqual({ ...expected, errors: '' });
  return [...output.matchAll(/^write (.+)$/gm)].map(([, kind = '']) => kind);
}
