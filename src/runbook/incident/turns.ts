/** Lets so many works run at once; the others wait in the order they came. */
interface Turns {
  take<T>(work: () => Promise<T>): Promise<T>;
}

export function createTurns(mostAtOnce: number): Turns {
  const waiting: (() => void)[] = [];
  let free = mostAtOnce;
  return {
    async take(work) {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => void waiting.push(resolve));
      try {
        return await work();
      } finally {
        // Handed on, not given back: whoever comes meanwhile must not overtake.
        const next = waiting.shift();
        if (next === undefined) free += 1;
        else next();
      }
    },
  };
}
