import { ActingUnavailable } from '../runbook/remedies/acting-unavailable.ts';

const sentences = new Map([
  [
    '53300',
    'PostgreSQL has no slot for the acting role. Set reserved_connections and GRANT pg_use_reserved_connections to it, or restart the service (option C).',
  ],
  ['28P01', 'PostgreSQL refuses the password of the acting role. Check actingUrl.'],
  ['28000', 'PostgreSQL refuses the acting role. Check actingUrl, and pg_hba.conf.'],
  ['3D000', 'The database of actingUrl does not exist.'],
  ['42501', 'The acting role lacks a privilege: GRANT pg_monitor and pg_signal_backend to it.'],
  ['55P03', 'A catalog of PostgreSQL is locked. See who blocks with /dbconn blocking.'],
  ['57014', 'PostgreSQL did not answer in time.'],
  ['57P01', "dbconn's acting connection was ended by an administrator."],
  ['57P03', 'PostgreSQL is starting up or shutting down. Try again when it accepts connections.'],
  [
    'ECONNREFUSED',
    'Nothing listens at the address of actingUrl: PostgreSQL is stopped, or the address wrong.',
  ],
  ['ENOTFOUND', 'The host of actingUrl is unknown.'],
]);

/** What the acting connection met, in words for the operator. The message of the error itself may name hosts and users. */
export function toActingError(error: unknown): ActingUnavailable {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
  const known = code === undefined ? undefined : sentences.get(code);
  const other =
    code === undefined
      ? 'The acting connection timed out or was lost.'
      : `The acting connection failed (${code}).`;
  return new ActingUnavailable(known ?? other, { cause: error });
}
