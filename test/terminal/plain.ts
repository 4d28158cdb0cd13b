import type { Paint } from '../../src/terminal/render/layout.ts';

/** For whoever sees no colours. */
export const plain: Paint = (_, text) => text;
