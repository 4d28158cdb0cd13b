export type Environment = Readonly<Record<string, string | undefined>>;

/** The only place that reads the environment: it is handed on from here. */
export function readEnvironment(): Environment {
  return process.env;
}
