import type Docker from 'dockerode';
import { redactText } from '../runbook/diagnose/redact-text.ts';
import { cutCodePoints } from '../runbook/diagnose/untrusted.ts';
import { joinEvents } from './log-events.ts';
import { readLogLines } from '../docker/logs/read-logs.ts';
import type { Inspected } from './replica.ts';
import { readHealthOutput } from './replica.ts';

const maxLines = 10;
const maxLineLength = 300;
const bounds = { tail: 200, maxBytes: 256 * 1024, budgetMs: 2_000 };

/**
 * What a container that did not come up said last: its health check's output, then the last entries of its log,
 * at most 11 lines, redacted. Untrusted text. Never throws.
 */
export async function readLastWords(docker: Docker, inspected: Inspected): Promise<string[]> {
  const output = readHealthOutput(inspected);
  const { lines } = await readLogLines(docker, inspected.Id, bounds);
  const entries = joinEvents(lines).slice(-maxLines);
  const said = entries.map(({ text }) => toLine(text));
  return output === null || output.trim() === '' ? said : [toLine(output), ...said];
}

/** One line, redacted before it is cut: a secret cut in two is no longer recognised. */
function toLine(text: string): string {
  return cutCodePoints(redactText(text.trim()).replaceAll(/\s+/g, ' '), maxLineLength);
}
