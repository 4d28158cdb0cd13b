/**
 * Replaces what an element holds and gives the focus back to the element with the same `data-key`,
 * so that someone at the keyboard stays where they are when the page draws itself anew.
 */
export function redraw(parent: HTMLElement, nodes: readonly HTMLElement[]): void {
  const focused = document.activeElement;
  const key =
    focused instanceof HTMLElement && parent.contains(focused) ? focused.dataset['key'] : undefined;
  parent.replaceChildren(...nodes);
  if (key === undefined) return;
  parent.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`)?.focus();
}
