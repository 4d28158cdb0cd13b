import { execFileSync } from 'node:child_process';

/** As Debian calls them. */
const tools = [
  'prometheus',
  'prometheus-alertmanager',
  'prometheus-postgres-exporter',
  'promtool',
  'amtool',
] as const;

/** The programs of the chain that are not installed here: where there are any, its tests are skipped. */
export function findMissingTools(): readonly string[] {
  return tools.filter((tool) => !isInstalled(tool));
}

/** For the name of a suite, so that whoever sees it skipped knows why. */
export function whatIsMissing(): string {
  const missing = findMissingTools();
  return missing.length === 0 ? '' : ` (skipped without ${missing.join(', ')})`;
}

/** What a tool prints. Throws with what it printed when it finds a fault. */
export function runTool(tool: 'promtool' | 'amtool', ...words: readonly string[]): string {
  return execFileSync(tool, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function isInstalled(tool: string): boolean {
  try {
    execFileSync(tool, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
