import type { Stats } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import type { EmergencyStopSwitch } from '../runbook/approvals/context.ts';
import type { Stop } from '../runbook/approvals/journal.ts';
import { cleanReason } from '../runbook/approvals/request.ts';
import { mostConfigBytes } from './config.ts';

interface EmergencyStopSwitchOptions {
  /** While it exists, nothing runs. What stands in it is the reason. */
  readonly stopFile: string | undefined;
  /** dbconn.yml, for its `approval.stopped`. */
  readonly configFile: string | undefined;
}

const longestReasonBytes = 2000;

/**
 * The emergency stop for people who have the machine and not Slack. Both places are read again at every decision, so
 * that neither needs a restart. What cannot be read stops: it may say so.
 */
export function createEmergencyStopSwitch({
  stopFile,
  configFile,
}: EmergencyStopSwitchOptions): EmergencyStopSwitch {
  return {
    async readStop() {
      const byFile = stopFile === undefined ? undefined : await readStopFile(stopFile);
      if (byFile !== undefined || configFile === undefined) return byFile;
      return readSetting(configFile);
    },
  };
}

async function readStopFile(file: string): Promise<Stop | undefined> {
  const by = 'the file of approval.stopFile';
  const lift = 'To let changes run again, remove that file on the machine.';
  try {
    const { mtime } = await readable(file);
    return { by, at: mtime.toISOString(), reason: await readBeginning(file), lift };
  } catch (error) {
    if (isMissing(error)) return undefined;
    return { by, at: epoch, reason: 'The file cannot be read.', lift };
  }
}

/** Throws where it is no file: to open a pipe would wait for a writer, and hold one of Node's four threads for good. */
async function readable(file: string, most = Infinity): Promise<Stats> {
  const stats = await stat(file);
  if (!stats.isFile() || stats.size > most) throw new Error('It is no file to read.');
  return stats;
}

async function readBeginning(file: string): Promise<string> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(longestReasonBytes));
    return cleanReason(buffer.toString('utf8', 0, bytesRead)) ?? '';
  } finally {
    await handle.close();
  }
}

const Setting = z.looseObject({
  approval: z.looseObject({ stopped: z.boolean().nullish() }).nullish(),
});

async function readSetting(file: string): Promise<Stop | undefined> {
  const by = 'approval.stopped in dbconn.yml';
  const lift = 'To let changes run again, edit it on the machine.';
  try {
    const { mtime } = await readable(file, mostConfigBytes);
    const { approval } = Setting.parse(parse(await readFile(file, 'utf8'), { logLevel: 'error' }));
    if (approval?.stopped !== true) return undefined;
    return { by, at: mtime.toISOString(), reason: '', lift };
  } catch {
    // The parser's words may quote a line with a password in it.
    return { by, at: epoch, reason: 'That file cannot be read at present.', lift };
  }
}

/** For a stop without a time of its own: always the same, so that it is told once. */
const epoch = new Date(0).toISOString();

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
