import { canonicalJson } from '../../remedies/plan.ts';
import type { Item } from './bundle.ts';

/** Not even the timeline and the requests fit. */
export class BundleTooLarge extends Error {
  constructor(mostBytes: number) {
    const most = Math.round(mostBytes / 1024 ** 2);
    super(
      `The incident is larger than a bundle may be (${most} MB). Export it instead: dbconn journal export.`,
    );
    this.name = 'BundleTooLarge';
  }
}

interface Fitted {
  readonly items: readonly Item[];
  readonly leftOut: { readonly examinations: number; readonly entries: number };
}

/** The hash, the numbers and the names around a body. */
const lineBytes = 120;
/** The header and the seal. */
const frameBytes = 64 * 1024;

/** Leaves out examinations, then entries, from the middle of the story outwards, until the rest fits. */
export function fitItems(items: readonly Item[], mostBytes: number): Fitted {
  const sizes = new Map(items.map((item) => [item, sizeOf(item)]));
  const left = new Set(items);
  let total = frameBytes + [...sizes.values()].reduce((sum, size) => sum + size, 0);
  const leave = (kind: 'examination' | 'entry'): number => {
    const candidates = fromTheMiddle(items.filter((item) => item.kind === kind));
    let count = 0;
    for (const item of candidates) {
      if (total <= mostBytes) break;
      left.delete(item);
      total -= sizes.get(item) ?? 0;
      count += 1;
    }
    return count;
  };
  const leftOut = { examinations: leave('examination'), entries: leave('entry') };
  if (total > mostBytes) throw new BundleTooLarge(mostBytes);
  return { items: [...left], leftOut };
}

function sizeOf({ body }: Item): number {
  return new TextEncoder().encode(canonicalJson(body)).length + lineBytes;
}

/** How it began and how it ended say most. */
function fromTheMiddle<T>(list: readonly T[]): T[] {
  const middle = (list.length - 1) / 2;
  return list
    .map((item, index) => ({ item, distance: Math.abs(index - middle) }))
    .toSorted((a, b) => a.distance - b.distance)
    .map(({ item }) => item);
}
