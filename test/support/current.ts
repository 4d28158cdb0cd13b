/** Stands for what `read` gives at the moment, such as what a hook makes for each test. */
export function current<T extends object>(read: () => T | undefined): T {
  const present = (): T => {
    const found = read();
    if (found === undefined) throw new Error('It is there while tests run.');
    return found;
  };
  return new Proxy(whole<T>({}), {
    get: (_, key): unknown => Reflect.get(present(), key),
    set: (_, key, value) => Reflect.set(present(), key, value),
  });
}

function whole<T>(part: Partial<T>): T;
function whole(part: unknown): unknown {
  return part;
}
