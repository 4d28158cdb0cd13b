/**
 * Why a postmaster ended at its start: what its configuration, or the memory it asks for, has against it. These are
 * the ends that an old configuration mends; a damaged file system or a crash in recovery it does not.
 * The messages are PostgreSQL's own, 13 to 18 (postmaster.c, postinit.c, guc.c, sysv_shmem.c, posix_sema.c).
 */
const patterns: readonly (readonly [RegExp, string])[] = [
  [/must be less than "?max_connections/, 'more connections are reserved than it would have'],
  [/too many (?:backends|server processes) configured/, 'it would have more processes than it can'],
  [
    /could not (?:map anonymous|create|resize|allocate) shared memory/,
    'it cannot have so much shared memory',
  ],
  [/could not create semaphores|insufficient shared memory/, 'it cannot have so many semaphores'],
  [
    /Cannot allocate memory|out of memory|not enough shared memory/,
    'it cannot have so much memory',
  ],
  [/insufficient file descriptors/, 'it cannot have so many files open'],
  [
    /configuration file ".*" contains errors|syntax error in file|unrecognized configuration parameter/,
    'its configuration has errors',
  ],
  [/invalid value for parameter|is outside the valid range for parameter/, 'a setting is invalid'],
];

/** The reason in words, or null when the log names none of these. */
export function readBootFailure(lines: readonly string[]): string | null {
  const found = patterns.find(([pattern]) => lines.some((line) => pattern.test(line)));
  return found?.[1] ?? null;
}
