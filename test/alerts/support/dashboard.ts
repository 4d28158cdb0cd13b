import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { deployedPath } from './quicken.ts';

const Dashboard = z.object({
  panels: z.array(
    z.object({
      targets: z.array(z.object({ expr: z.string() })).default([]),
    }),
  ),
});

/** The queries of the dashboard in deploy/, as Grafana sends them for all targets and a short time. */
export function dashboardQueries(): readonly string[] {
  const text = readFileSync(deployedPath('grafana/dbconn.json'), 'utf8');
  const { panels } = Dashboard.parse(JSON.parse(text));
  const queries = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  return queries.map((expr) =>
    expr.replaceAll('$__rate_interval', '1m').replaceAll('$target', '.*'),
  );
}
