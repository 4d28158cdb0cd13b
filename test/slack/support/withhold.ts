import { blockShapes } from '../../../sandbox/slack/block-rules.ts';

/** A workspace that Slack has not given its newer blocks yet. */
export function withhold(...types: readonly string[]): () => void {
  const shapes = blockShapes.message;
  if (!(shapes instanceof Map)) throw new Error('The rules are no map any more.');
  const kept = types.map((type) => [type, shapes.get(type)] as const);
  for (const type of types) shapes.delete(type);
  return () => {
    for (const [type, shape] of kept) shapes.set(type, shape);
  };
}
