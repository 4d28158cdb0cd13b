import { z } from 'zod';
import type { Target } from '../snapshot/target.ts';

/** What has to be known of a session to tell whether it is skipped. */
export interface Skippable {
  readonly process: Process;
  readonly skipped: SkipReason | null;
  readonly identity: { readonly state: string | null };
}

/** Why a blocker is left alone, in words for its reader, or null when it may be stopped. */
export function whyBlockerSkipped({ identity, process, skipped }: Skippable): string | null {
  if (skipped === 'hidden') return `${skipSentences.hidden}: GRANT pg_monitor to it`;
  if (process === 'wraparound vacuum') {
    return 'an autovacuum against wraparound, which restarts at once: let it finish';
  }
  if (process === 'autovacuum') {
    return 'an autovacuum, which yields by itself after deadlock_timeout';
  }
  if (skipped === 'superuser') {
    return `${skipSentences.superuser} (if it is the application: list it in applicationRoles, and set actingUrl to a superuser)`;
  }
  if (skipped !== null) return skipSentences[skipped];
  // Without it nobody can tell whether it still runs what was approved.
  return identity.state === 'disabled'
    ? 'its activity is not tracked (track_activities is off)'
    : null;
}

/** The same of one that nobody named: a concurrent build is left to a person, who then also drops the invalid index. */
export function whyRootSkipped(blocker: Skippable): string | null {
  const reason = whyBlockerSkipped(blocker);
  if (reason !== null || blocker.process !== 'concurrent build') return reason;
  return 'a concurrent index build, which would leave an invalid index';
}

/** As many bytes as a letter of another script that looks like a Latin one takes at least. */
const leastBytes = 2;

/** Whether a session's application_name is one of these, however it is written. Where that cannot be told, it is. */
export function isNamedAs(application: string, names: readonly string[]): boolean {
  const plain = toPlainName(decodeShown(application));
  const masked = maskedPattern(plain);
  return names.some((name) => {
    const plainName = toPlainName(name);
    if (plainName === '') return application === name;
    return (
      plainName === plain || masked?.test(plainName) === true || toMasked(name) === application
    );
  });
}

/** Why a session of that name is skipped, or null; for what a statement of SQL cannot compare. */
export function skipByName(
  application: string,
  { protectedApplications, poolerApplications }: SkipGuard,
): 'protected application' | 'pooler' | null {
  if (isNamedAs(application, protectedApplications)) return 'protected application';
  return isNamedAs(application, poolerApplications) ? 'pooler' : null;
}

/** The name without what a person does not see or does not mean: case, blanks, width, and characters of no width. */
function toPlainName(name: string): string {
  return name
    .normalize('NFKC')
    .replaceAll(/[\s\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/gu, '')
    .toLowerCase();
}

/** PostgreSQL 16 and later show every byte beyond ASCII of an application_name as `\xe2` (pg_clean_ascii). */
function decodeShown(application: string): string {
  return application.replaceAll(/(?:\\x[0-9a-f]{2})+/g, (escaped) =>
    new TextDecoder().decode(
      Uint8Array.from(escaped.split('\\x').slice(1), (hex) => parseInt(hex, 16)),
    ),
  );
}

/** PostgreSQL 15 and earlier show such a byte as `?`: each run of them may be as many letters as fit, or none. */
function maskedPattern(plain: string): RegExp | undefined {
  if (!plain.includes('?') || !/[a-z0-9]/.test(plain)) return undefined;
  const parts = plain
    .split(/(\?+)/)
    .map((part) =>
      part.startsWith('?')
        ? `.{0,${Math.floor(part.length / leastBytes)}}`
        : part.replaceAll(/[^a-z0-9]/g, String.raw`\$&`),
    );
  return new RegExp(`^${parts.join('')}$`);
}

function toMasked(name: string): string {
  return name.replaceAll(/[^ -~]/gu, (character) =>
    '?'.repeat(new TextEncoder().encode(character).length),
  );
}

/** Poolers' application_name by default. PgBouncer passes its clients' names on: protect those instead. */
export const defaultPoolers = ['pgbouncer', 'pgcat', 'odyssey', 'pgpool', 'supavisor'] as const;

/** Whose sessions of a target are never ended. */
export function toSkipGuard(
  { protectedApplications, applicationRoles, ownRoles = [] }: Target,
  poolerApplications: readonly string[] = defaultPoolers,
): SkipGuard {
  return { protectedApplications, poolerApplications, applicationRoles, ownRoles };
}

/** What is never ended, whatever the plan says. */
export interface TerminateGuard {
  /** The plan's age threshold, checked again when the signal is sent. */
  readonly idleForMs: number;
  readonly protectedApplications: readonly string[];
  /** application_name of poolers: ending their session breaks the client they serve at that moment. */
  readonly poolerApplications: readonly string[];
  /** Superuser roles that are the application's own, and so are not skipped when the acting role is a superuser. */
  readonly applicationRoles: readonly string[];
  /** Roles dbconn logs in with, beside the one that signals. */
  readonly ownRoles?: readonly string[];
}

export const SkipReason = z.enum([
  'own',
  'hidden',
  'not a client',
  'replication',
  'superuser',
  'protected application',
  'pooler',
  'committing',
  'no privilege',
]);
export type SkipReason = z.infer<typeof SkipReason>;

/** What is never signalled, whatever the plan says. */
export type SkipGuard = Omit<TerminateGuard, 'idleForMs'>;

export const Process = z.enum([
  'client',
  'slow client',
  'concurrent build',
  'autovacuum',
  'wraparound vacuum',
  'other',
]);
export type Process = z.infer<typeof Process>;

/** Why a session is left alone, as its reader is told. */
export const skipSentences: Readonly<Record<SkipReason, string>> = {
  own: "dbconn's own session",
  hidden: 'its state is hidden from the acting role',
  'not a client': 'a background process, not a client',
  replication: 'a replication role',
  superuser: 'a superuser',
  'protected application': 'a protected application',
  pooler: 'a pooler: ending it would break its clients',
  committing: 'its commit is done here and waits for a standby: ending it undoes nothing',
  'no privilege': 'the acting role may not signal it',
};
