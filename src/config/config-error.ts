/** Every problem of a configuration at once, each a sentence with its fix. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(['The configuration has problems:', ...problems.map((line) => `- ${line}`)].join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}
