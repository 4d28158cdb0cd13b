import { decodeEntities } from './entities.ts';
import type { Inline } from './inline.ts';

/** Collects a run of inline nodes, joining neighbouring characters into one text node. */
interface InlineWriter {
  readonly nodes: Inline[];
  addText(raw: string): void;
  addNode(node: Inline): void;
  /** The nodes, the last text included. */
  finish(): readonly Inline[];
}

export function startInline(): InlineWriter {
  const nodes: Inline[] = [];
  let pending = '';
  function flush(): void {
    if (pending === '') return;
    const lines = decodeEntities(pending).split('\n');
    pending = '';
    for (const [index, text] of lines.entries()) {
      if (index > 0) nodes.push({ kind: 'break' });
      if (text !== '') nodes.push({ kind: 'text', text });
    }
  }
  return {
    nodes,
    addText(raw) {
      pending += raw;
    },
    addNode(node) {
      flush();
      nodes.push(node);
    },
    finish() {
      flush();
      return nodes;
    },
  };
}
