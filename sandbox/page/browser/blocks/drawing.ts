import type { Directory } from '../directory.ts';

/** What a person put into an element: text, an option's value, several of them, or nothing. */
export type Chosen = string | readonly string[] | null;

/** What a person did to an element, on its way to the local Slack. */
interface ElementAction {
  readonly actionId: string;
  readonly blockId: string;
  /** A button's value, or what was chosen; of checkboxes all that are ticked. */
  readonly value?: string | readonly string[];
}

/** A stateful element on the page: part of what a modal sends. */
export interface Field {
  readonly blockId: string;
  readonly actionId: string;
  read(): Chosen;
  /** Why it cannot be sent, in words a person can act on; undefined when it can. */
  complaint(): string | undefined;
  /** Shows an error below the field, or takes it away. */
  showError?(message: string | undefined): void;
}

/** What blocks are drawn with: names, files, and where a press goes. */
export interface Drawing {
  readonly directory: Directory;
  /** Resolves when the app has acknowledged, or failed to. */
  act(action: ElementAction): Promise<void>;
  /** Remembers how to read a stateful element. */
  addField(field: Field): void;
  /** What was in a field before its view was drawn anew; undefined for a new field. */
  keptValue(blockId: string, actionId: string): Chosen | undefined;
}
