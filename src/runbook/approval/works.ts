/** A change has to end before this process does; a verification can be gone on with by another one. */
type Phase = 'changing' | 'verifying';

/** The work that goes on in this process, by request. */
interface Works {
  /** What the work throws is told, and never an unhandled rejection. */
  begin(phase: Phase, id: string, work: Promise<unknown>): void;
  has(id: string): boolean;
  ids(phase: Phase): readonly string[];
  ended(phase: Phase): Promise<void>;
  settled(id: string): Promise<void>;
}

export function createWorks(onBroken: (phase: Phase, id: string, error: unknown) => void): Works {
  const works = {
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
        .finally(() => works[phase].delete(id));
      works[phase].set(id, kept);
    },
    has: (id) => works.changing.has(id) || works.verifying.has(id),
    ids: (phase) => [...works[phase].keys()],
    async ended(phase) {
      await Promise.all(works[phase].values());
    },
    async settled(id) {
      await works.changing.get(id);
      await works.verifying.get(id);
    },
  };
}
