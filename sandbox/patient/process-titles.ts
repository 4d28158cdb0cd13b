import { readFile, readdir } from 'node:fs/promises';

/** The titles of a process's children, as PostgreSQL writes them for its sessions. Linux only. */
export async function readChildTitles(parent: number): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const titles = await Promise.all(pids.map((pid) => readTitleOfChild(pid, parent)));
  return titles.filter((title) => title !== undefined);
}

async function readTitleOfChild(pid: string, parent: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The command's name stands in parentheses and may hold some itself; state and parent follow the last one.
    const [, , ppid] = stat.slice(stat.lastIndexOf(')')).split(' ');
    if (Number(ppid) !== parent) return undefined;
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8');
    return commandLine.replaceAll('\0', ' ').trim();
  } catch {
    return undefined; // it ended in the meantime
  }
}
