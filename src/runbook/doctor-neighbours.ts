import type { Check } from './diagnose/doctor.ts';
import type { Neighbourhood } from './ports/neighbours.ts';

/** For doctor: with which targets this one shares its database or its server. */
export function checkNeighbours(
  { mayChange, onServer, isCertain }: Neighbourhood,
  name: string,
): Check[] {
  const others = onServer.filter((other) => other !== name);
  const checks: Check[] = [];
  if (!mayChange.ok) {
    const { why, next } = mayChange.refusal;
    checks.push({ subject: 'Configuration', state: 'warning', summary: why, fix: next });
  } else if (others.length > 0) {
    const summary = `It is on one server with ${others.join(', ')}: one change at a time runs there, and what any of them protects is protected.`;
    checks.push({ subject: 'Configuration', state: 'ok', summary });
  }
  if (!isCertain) {
    checks.push({
      subject: 'PostgreSQL',
      state: 'warning',
      summary:
        'The role may not read the system identifier; targets on one server are told by its start alone.',
      fix: 'GRANT EXECUTE ON FUNCTION pg_control_system() TO the role of url.',
    });
  }
  return checks;
}
