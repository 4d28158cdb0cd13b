/**
 * Makes these nodes the children, and leaves alone those that are already in their place, so that
 * they keep focus, selection and scroll position.
 */
export function syncChildren(parent: Element, nodes: readonly Node[]): void {
  for (const [index, node] of nodes.entries()) {
    const present = parent.childNodes[index];
    if (present !== node) parent.insertBefore(node, present ?? null);
  }
  while (parent.childNodes.length > nodes.length) parent.lastChild?.remove();
}
