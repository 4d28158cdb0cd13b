import type { Problem } from '../runbook/snapshot/snapshot.ts';

/** Turns what the HTTP client throws into words. Its own text is left out: it may hold addresses and headers. */
export function toProblem(error: unknown, shown: string): Problem {
  const code = codeOf(error);
  if (isTimeout(error, code)) {
    const fix = 'The process may be stuck waiting for a connection: look at its log.';
    return { kind: 'timeout', summary: `${shown} did not answer within 2 seconds.`, fix };
  }
  if (code === 'ECONNREFUSED') {
    const fix = 'See whether the service is running, and its port.';
    return { kind: 'unreachable', summary: `Nothing listens on ${shown}.`, fix };
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    const fix = "Correct the name, or attach dbconn to the service's network.";
    return { kind: 'unreachable', summary: `The name of ${shown} is not known here.`, fix };
  }
  if (code.includes('CERT') || code.startsWith('ERR_TLS') || code.includes('SIGNATURE')) {
    const fix = 'Set NODE_EXTRA_CA_CERTS to its authority, or use http inside the network.';
    return { kind: 'unreachable', summary: `The certificate of ${shown} is not trusted.`, fix };
  }
  const reason = /^[A-Z_0-9]+$/.test(code) ? ` (${code})` : '';
  const summary = `Reading ${shown} failed${reason}.`;
  return { kind: 'unreachable', summary, fix: 'See whether the service is running and reachable.' };
}

function isTimeout(error: unknown, code: string): boolean {
  if (code.includes('TIMEOUT') || code === 'ETIMEDOUT') return true;
  return error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError');
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  if ('code' in error && typeof error.code === 'string') return error.code;
  // A name with several addresses fails with one error for each.
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  return codeOf(error.cause);
}
