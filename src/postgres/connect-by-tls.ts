import { DatabaseError } from 'pg';
import { PhaseKnown, toStopped } from './connect/login-refusal.ts';
import { readPhase } from './read-phase.ts';
import { tlsAttempts, withoutTls } from './tls.ts';
import type { TlsAttempt } from './tls.ts';

/** A server that refuses does so at once. */
const phaseWithinMs = 500;

/**
 * Opens a connection by the ways of TLS that the url allows, in libpq's order.
 * Throws UnusableUrl for a bad url, else what `open` met: rather what the server refused than how it was asked.
 */
export async function connectByTls<T>(
  url: string,
  open: (bareUrl: string, ssl: TlsAttempt) => Promise<T>,
): Promise<T> {
  const parsed = new URL(url);
  let refusal: DatabaseError | undefined;
  let failure: unknown;
  for (const attempt of tlsAttempts(parsed)) {
    try {
      return await open(withoutTls(parsed), attempt);
    } catch (error) {
      if (error instanceof DatabaseError) refusal = error;
      failure = error;
      if (!isAboutTls(error)) break;
    }
  }
  // "This server has no TLS" is the answer to our way of asking; what the server refused is the trouble.
  throw (await findPhase(refusal, url)) ?? refusal ?? failure;
}

/** A refusal in another language is worth a second question. */
async function findPhase(
  refusal: DatabaseError | undefined,
  url: string,
): Promise<PhaseKnown | undefined> {
  if (refusal?.code !== '57P03' || toStopped(refusal).detail !== 'not-accepting') return undefined;
  const phase = await readPhase(refusal, url, phaseWithinMs);
  return phase === undefined ? undefined : new PhaseKnown(phase, refusal);
}

/** Only these make libpq try its second way: no TLS there, none that both know, or nobody let in without it. */
function isAboutTls(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // pg_hba.conf, in whatever language.
  if (error instanceof DatabaseError && error.routine === 'ClientAuthentication') return true;
  if ('code' in error && error.code === 'EPROTO') return true;
  return /SSL connection|no pg_hba\.conf entry|no encryption/.test(error.message);
}
