import { readFile } from 'node:fs/promises';

/** The unit of /proc/PID/stat, which Linux has fixed for programs. */
const ticksPerSecond = 100;

/** The processor time a process has used so far, its own and the kernel's for it, in seconds. */
export async function readCpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name of the program stands in brackets and may hold anything: fields are counted behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

export interface MemoryUse {
  /** With every page it shares with other processes, the program's own text for one. */
  readonly residentMb: number;
  /** With its share of those pages only. */
  readonly proportionalMb: number;
}

export async function readMemory(pid: number): Promise<MemoryUse> {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
  const figure = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(rollup)?.[1]) / 1024;
  return { residentMb: figure('Rss'), proportionalMb: figure('Pss') };
}
