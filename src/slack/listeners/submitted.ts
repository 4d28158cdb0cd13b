import type { Message } from '../messages/parts/message.ts';
import type { DialogMemory, Filled } from '../messages/kit/modal.ts';
import type { ActionContext } from './acting.ts';

/** What a submitted dialog asks for: work to do, or what is wrong with its fields. */
export type Submitted =
  | { readonly work: (context: ActionContext) => Promise<Message> }
  | { readonly errors: Readonly<Record<string, string>> };

/** Reads a submitted dialog: what it was opened with, and what was filled in. */
export type ReadDialog = (memory: DialogMemory, filled: Filled) => Submitted;
