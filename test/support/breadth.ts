import { hasBinaries } from '../../sandbox/patient/binaries.ts';

/** `npm test` tries each thing one way; `npm run test:all` runs the files that ask here again, the other ways. */
export const isOtherWays = process.env['DBCONN_TEST_OTHER_WAYS'] !== undefined;

/** Of PostgreSQL: the oldest, one in between, and what most people start with. */
export const allMajors = [13, 15, 18].filter((major) => hasBinaries(major));
export const majors = isOtherWays ? allMajors.filter((major) => major < 18) : [18];

/** How Slack's events arrive. */
export const transports = isOtherWays ? (['http'] as const) : (['socket'] as const);

/** Of a look. A machine that is busy with other things keeps the promise of 5 s late. */
export const answersWithinMs = isOtherWays ? 5000 : 120_000;
