/** A change has to end before this process does; a verification can be gone on with by another one. */
type Phase = 'changing' | 'verifying';

/** The work that goes on in this process, by request. */
interface RunningRequests {
  /** What the work throws is told, and never an unhandled rejection. */
  begin(phase: Phase, id: string, work: Promise<unknown>): void;
  has(id: string): boolean;
  readonly isBusy: () => boolean;
  ids(phase: Phase): readonly string[];
  ended(phase: Phase): Promise<void>;
  settled(id: string): Promise<void>;
}

export function createRunningRequests(
  onBroken: (phase: Phase, id: string, error: unknown) => void,
): RunningRequests {
  const running = {
    changing: new Map<string, Promise<void>>(),
    verifying: new Map<string, Promise<void>>(),
  };
  return {
    begin(phase, id, work) {
      const kept = work
        .then(
          () => undefined,
          (error: unknown) => onBroken(phase, id, error),
        )
        .finally(() => running[phase].delete(id));
      running[phase].set(id, kept);
    },
    has: (id) => running.changing.has(id) || running.verifying.has(id),
    isBusy: () => Object.values(running).some(({ size }) => size > 0),
    ids: (phase) => [...running[phase].keys()],
    async ended(phase) {
      await Promise.all(running[phase].values());
    },
    async settled(id) {
      await running.changing.get(id);
      await running.verifying.get(id);
    },
  };
}
