import { randomBytes } from 'node:crypto';
import type { CheckedView } from './check-payload.ts';
import { checkView, viewShape } from './check-payload.ts';
import { fillIn } from './element-state.ts';
import { fillIds } from './elements.ts';
import { identity } from './identity.ts';
import { SlackRefusal } from './slack-refusal.ts';
import { createId } from './stamps.ts';
import type { OpenView, SlackView, StateValues, Workspace } from './workspace.ts';

/** Slack shows at most three modals on top of each other. */
const MAX_STACK = 3;
/** The documented size of a view. */
const MAX_VIEW_BYTES = 250_000;

function createHash(workspace: Workspace): string {
  return `${Math.trunc(workspace.now() / 1000)}.${randomBytes(4).toString('hex')}`;
}

/** @throws SlackRefusal when Slack would not take the view. */
function acceptView(raw: unknown, type: 'modal' | 'home'): CheckedView {
  if (JSON.stringify(raw ?? null).length > MAX_VIEW_BYTES) throw new SlackRefusal('view_too_large');
  const problems = checkView(raw);
  if (problems.length > 0) throw new SlackRefusal('invalid_arguments', { messages: problems });
  const view = viewShape.parse(raw);
  if (view.type !== type) {
    throw new SlackRefusal('invalid_arguments', {
      messages: [`[ERROR] view must be a ${type} [json-pointer:/view/type]`],
    });
  }
  return view;
}

function* allViews(workspace: Workspace): Generator<SlackView> {
  for (const stack of workspace.modals.values()) for (const open of stack) yield open.view;
  yield* workspace.homes.values();
}

function refuseTakenExternalId(workspace: Workspace, externalId: string, own?: string): void {
  if (externalId === '') return;
  for (const view of allViews(workspace)) {
    if (view.external_id === externalId && view.id !== own) {
      throw new SlackRefusal('duplicate_external_id');
    }
  }
}

interface Place {
  readonly id?: string;
  readonly root?: string;
  readonly previous?: string;
  readonly state?: StateValues;
}

function toSlackView(workspace: Workspace, view: CheckedView, place: Place): SlackView {
  const id = place.id ?? createId('V');
  refuseTakenExternalId(workspace, view.external_id ?? '', id);
  const modal = view.type === 'modal' ? view : undefined;
  const blocks = fillIds(view.blocks);
  // What was typed survives an update as long as block and element keep their ids.
  const fresh = fillIn(blocks, {}, workspace.people).values;
  const values: Record<string, StateValues[string]> = {};
  for (const [blockId, byAction] of Object.entries(fresh)) {
    values[blockId] = Object.fromEntries(
      Object.entries(byAction).map(([actionId, initial]) => {
        const before = place.state?.[blockId]?.[actionId];
        return [actionId, before?.type === initial.type ? before : initial];
      }),
    );
  }
  return {
    id,
    team_id: identity.teamId,
    app_id: identity.appId,
    app_installed_team_id: identity.teamId,
    bot_id: identity.botId,
    type: view.type,
    title: modal?.title ?? null,
    submit: modal?.submit ?? null,
    close: modal?.close ?? null,
    blocks,
    private_metadata: view.private_metadata ?? '',
    callback_id: view.callback_id ?? '',
    external_id: view.external_id ?? '',
    state: { values },
    hash: createHash(workspace),
    clear_on_close: modal?.clear_on_close ?? false,
    notify_on_close: modal?.notify_on_close ?? false,
    root_view_id: place.root ?? id,
    previous_view_id: place.previous ?? null,
  };
}

/** Opens a modal for a person; whatever modal they had is gone. */
export function openModal(workspace: Workspace, user: string, raw: unknown): SlackView {
  const view = toSlackView(workspace, acceptView(raw, 'modal'), {});
  workspace.modals.set(user, [{ view, errors: {} }]);
  workspace.changed();
  return view;
}

/** @throws SlackRefusal `not_found` without a modal to push onto, `push_limit_reached` on three. */
export function pushModal(workspace: Workspace, user: string, raw: unknown): SlackView {
  const stack = workspace.modals.get(user) ?? [];
  const top = stack.at(-1)?.view;
  if (top === undefined) throw new SlackRefusal('not_found');
  if (stack.length >= MAX_STACK) throw new SlackRefusal('push_limit_reached');
  const view = toSlackView(workspace, acceptView(raw, 'modal'), {
    root: top.root_view_id,
    previous: top.id,
  });
  workspace.modals.set(user, [...stack, { view, errors: {} }]);
  workspace.changed();
  return view;
}

/** Sets one open modal of a person to something else; the others in the stack stay. */
export function changeOpenView(
  workspace: Workspace,
  user: string,
  change: { readonly viewId: string; readonly to: OpenView },
): void {
  const stack = workspace.modals.get(user) ?? [];
  workspace.modals.set(
    user,
    stack.map((open) => (open.view.id === change.viewId ? change.to : open)),
  );
  workspace.changed();
}

function findModal(workspace: Workspace, viewId: string): { user: string; open: OpenView } | null {
  for (const [user, stack] of workspace.modals) {
    const open = stack.find((one) => one.view.id === viewId);
    if (open !== undefined) return { user, open };
  }
  return null;
}

function refuseStaleHash(view: SlackView | undefined, hash: string | undefined): void {
  if (hash !== undefined && view !== undefined && view.hash !== hash) {
    throw new SlackRefusal('hash_conflict');
  }
}

/** @throws SlackRefusal `not_found` once the modal is closed, `hash_conflict` on an old hash. */
export function updateView(
  workspace: Workspace,
  which: { readonly id?: string | undefined; readonly externalId?: string | undefined },
  change: { readonly view: unknown; readonly hash?: string | undefined },
): SlackView {
  const old = [...allViews(workspace)].find((view) =>
    which.id === undefined ? view.external_id === which.externalId : view.id === which.id,
  );
  if (old === undefined) throw new SlackRefusal('not_found');
  refuseStaleHash(old, change.hash);
  const view = toSlackView(workspace, acceptView(change.view, old.type), {
    id: old.id,
    root: old.root_view_id,
    ...(old.previous_view_id !== null && { previous: old.previous_view_id }),
    state: old.state.values,
  });
  const modal = findModal(workspace, old.id);
  if (modal === null) {
    const owner = [...workspace.homes].find(([, home]) => home.id === old.id)?.[0];
    if (owner !== undefined) workspace.homes.set(owner, view);
    workspace.changed();
  } else {
    changeOpenView(workspace, modal.user, { viewId: old.id, to: { view, errors: {} } });
  }
  return view;
}

/** Publishes a person's Home tab. */
export function publishHome(
  workspace: Workspace,
  user: string,
  change: { readonly view: unknown; readonly hash?: string | undefined },
): SlackView {
  const old = workspace.homes.get(user);
  refuseStaleHash(old, change.hash);
  const view = toSlackView(
    workspace,
    acceptView(change.view, 'home'),
    old === undefined ? {} : { id: old.id, state: old.state.values },
  );
  workspace.homes.set(user, view);
  workspace.changed();
  return view;
}

/** Takes the top modal, or the whole stack, off a person's screen. */
export function closeModal(workspace: Workspace, user: string, all: boolean): void {
  const stack = workspace.modals.get(user) ?? [];
  const left = all ? [] : stack.slice(0, -1);
  if (left.length === 0) workspace.modals.delete(user);
  else workspace.modals.set(user, left);
  workspace.changed();
}
