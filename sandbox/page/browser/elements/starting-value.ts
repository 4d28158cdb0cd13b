import type { Chosen } from '../blocks/drawing.ts';

/** A single value out of what was kept or, where nothing was, the initial one. */
export function startingValue(kept: Chosen | undefined, initial: string | undefined): string {
  return (typeof kept === 'string' ? kept : kept === undefined ? initial : undefined) ?? '';
}
