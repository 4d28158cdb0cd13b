import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** Who may send alerts. With both, either is enough. */
export interface WebhookSecrets {
  readonly bearer?: string | undefined;
  readonly basic?: { readonly user: string; readonly password: string } | undefined;
}

export interface Guard {
  /** Whether an Authorization header is one of the configured ones. Takes as long for a wrong one as for a right one. */
  admits(authorization: string | undefined): boolean;
  /** What a client is told that it has to bring: `WWW-Authenticate`. */
  readonly challenge: string;
}

/** Null where no secret is configured: then nobody may send anything. */
export function createGuard({ bearer, basic }: WebhookSecrets): Guard | null {
  const accepted: string[] = [];
  const schemes: string[] = [];
  if (bearer !== undefined) {
    accepted.push(`bearer ${bearer}`);
    schemes.push('Bearer realm="dbconn"');
  }
  if (basic !== undefined) {
    const pair = Buffer.from(`${basic.user}:${basic.password}`, 'utf8').toString('base64');
    accepted.push(`basic ${pair}`);
    schemes.push('Basic realm="dbconn", charset="UTF-8"');
  }
  if (accepted.length === 0) return null;
  // Hashes are of one length, so that comparing them tells nothing of a secret's length either.
  const key = randomBytes(32);
  const hash = (text: string): Buffer => createHmac('sha256', key).update(text).digest();
  const hashes = accepted.map(hash);
  return {
    challenge: schemes.join(', '),
    admits(authorization) {
      const [, scheme = '', credentials = ''] = /^(\S+) +(\S+) *$/.exec(authorization ?? '') ?? [];
      const given = hash(`${scheme.toLowerCase()} ${credentials}`);
      // All of them, always: leaving at the first would tell which one was nearly right.
      return hashes.map((known) => timingSafeEqual(known, given)).includes(true);
    },
  };
}
