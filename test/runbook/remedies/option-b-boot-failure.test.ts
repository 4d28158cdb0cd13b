import { expect, test } from 'vitest';
import { readBootFailure } from '../../../src/runbook/remedies/b-raise-max-connections/boot.ts';

/** As PostgreSQL 13 to 18 wrote them. */
const mended: readonly (readonly [string, string])[] = [
  [
    'postgres: superuser_reserved_connections (3) must be less than max_connections (3)',
    'more connections are reserved than that',
  ],
  [
    'postgres: "superuser_reserved_connections" (3) plus "reserved_connections" (2) must be less than "max_connections" (5)',
    'more connections are reserved than that',
  ],
  [
    'FATAL:  could not map anonymous shared memory: Cannot allocate memory',
    'there is not enough shared memory',
  ],
  [
    'FATAL:  could not create semaphores: No space left on device',
    'there are not enough semaphores',
  ],
  ['FATAL:  too many server processes configured', 'that is more processes than it can have'],
  [
    'FATAL:  configuration file "/data/postgresql.auto.conf" contains errors',
    'its configuration has errors',
  ],
];

test.for(mended)('an old configuration mends: %s', ([line, reason]) => {
  expect(readBootFailure(['LOG:  starting PostgreSQL 18.4', line])).toBe(reason);
});

test.for([
  'PANIC:  could not locate a valid checkpoint record',
  'FATAL:  lock file "postmaster.pid" already exists',
  'FATAL:  data directory "/data" has wrong ownership',
  'LOG:  database system was not properly shut down; automatic recovery in progress',
  'FATAL:  could not access file "pg_wal/000000010000000000000001": Input/output error',
])('an old configuration does not mend: %s', (line) => {
  expect(readBootFailure([line])).toBeNull();
});
