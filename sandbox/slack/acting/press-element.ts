import { fillIn, toStateValue } from '../element-state.ts';
import type { ChosenValues } from '../element-state.ts';
import { findElements, optionsOf } from '../elements.ts';
import type { Element, PlacedElement } from '../elements.ts';
import type { Person } from '../options.ts';
import type { Sandbox } from '../sandbox.ts';
import type { SlackMessage, SlackView, StateValues, StoredBlock } from '../workspace.ts';
import { changeOpenView } from '../views.ts';
import { findActor, findOwnChannel, Impossible, settle, toInteraction } from './act.ts';
import type { ActResult } from './act.ts';

/** A press or a choice, on a message or on an open view. */
export type Press = {
  readonly user: string;
  readonly actionId: string;
  /** Needed only where one action_id stands in several blocks. */
  readonly blockId?: string | undefined;
  /**
   * A button's value, where several share an action_id; the option or user chosen in a menu; of
   * checkboxes every box that is ticked from now on.
   */
  readonly value?: string | readonly string[] | undefined;
  /** In a view: what has been typed so far. */
  readonly values?: ChosenValues | undefined;
} & (
  | { readonly channel: string; readonly ts: string; readonly viewId?: undefined }
  | { readonly viewId: string; readonly channel?: undefined; readonly ts?: undefined }
);

/** What people chose in messages; it lasts as long as the message stays as it is. */
const messageStates = new WeakMap<SlackMessage, Map<string, StateValues>>();

function isThisElement({ block, element }: PlacedElement, press: Press): boolean {
  return (
    element.action_id === press.actionId &&
    (press.blockId === undefined || block.block_id === press.blockId) &&
    (press.value === undefined || element.type !== 'button' || element.value === press.value)
  );
}

function findPressed(blocks: readonly StoredBlock[], press: Press): PlacedElement {
  const found = findElements(blocks).filter((placed) => isThisElement(placed, press));
  const [only, second] = found;
  if (only === undefined) throw new Impossible(`there is no ${press.actionId} to press here`);
  if (second !== undefined) {
    throw new Impossible(`${press.actionId} is there ${found.length} times: name blockId or value`);
  }
  if (only.block.type === 'input' && only.block['dispatch_action'] !== true) {
    throw new Impossible(`${press.actionId} is an input that sends nothing by itself`);
  }
  return only;
}

function toChoice(element: Element, press: Press, people: Sandbox['workspace']['people']): object {
  if (element.type === 'button') return {};
  if (element.type === 'overflow') {
    const option = optionsOf(element).find((one) => one.value === press.value);
    if (option === undefined)
      throw new Impossible(`the menu has no option "${String(press.value)}"`);
    return { selected_option: option };
  }
  try {
    return toStateValue(element, press.value, people) ?? {};
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new Impossible(error.message);
  }
}

/** The pressed element as it travels: what it was sent with, plus what was chosen. */
function toAction(sandbox: Sandbox, placed: PlacedElement, press: Press): object {
  const { block, element } = placed;
  const { options: _options, option_groups: _groups, ...sent } = element;
  return {
    ...sent,
    block_id: block.block_id,
    action_ts: sandbox.workspace.nextTs(),
    ...toChoice(element, press, sandbox.workspace.people),
  };
}

interface Surface {
  readonly blocks: readonly StoredBlock[];
  /** The fields of the payload that say where the press happened. */
  describe(placed: PlacedElement): Readonly<Record<string, unknown>>;
}

function withPress(before: StateValues, placed: PlacedElement, press: Press): ChosenValues {
  if (press.value === undefined || placed.element.type === 'button') return {};
  const { block, element } = placed;
  return Object.hasOwn(before[block.block_id] ?? {}, element.action_id)
    ? { [block.block_id]: { [element.action_id]: press.value } }
    : {};
}

function onMessage(
  sandbox: Sandbox,
  person: Person,
  at: { readonly channel: string; readonly ts: string; readonly press: Press },
): Surface {
  const { workspace, responseUrls } = sandbox;
  const channel = findOwnChannel(workspace, person, at.channel);
  const ephemeral = workspace.ephemerals.find(
    (one) => one.channel === at.channel && one.message.ts === at.ts,
  );
  if (ephemeral !== undefined && ephemeral.user !== person.id) {
    throw new Impossible(`only ${ephemeral.user} sees this message`);
  }
  const message = ephemeral?.message ?? channel.messages.find((one) => one.ts === at.ts);
  if (message === undefined) throw new Impossible(`there is no message ${at.ts} here`);
  const isEphemeral = ephemeral !== undefined;
  return {
    blocks: message.blocks ?? [],
    describe(placed) {
      const known = messageStates.get(message) ?? new Map<string, StateValues>();
      const initial = fillIn(message.blocks ?? [], {}, workspace.people).values;
      const pressed = withPress(initial, placed, at.press);
      const chosen = fillIn(message.blocks ?? [], pressed, workspace.people).values;
      const values = { ...initial, ...known.get(person.id) };
      for (const blockId of Object.keys(pressed)) {
        values[blockId] = { ...values[blockId], ...chosen[blockId] };
      }
      messageStates.set(message, known.set(person.id, values));
      const grant = {
        user: person.id,
        channel: channel.id,
        origin: { ts: message.ts, isEphemeral },
        ...(message.thread_ts !== undefined && { threadTs: message.thread_ts }),
      };
      return {
        container: {
          type: 'message',
          message_ts: message.ts,
          channel_id: channel.id,
          is_ephemeral: isEphemeral,
        },
        channel: { id: channel.id, name: channel.name },
        // Slack keeps no copy of an ephemeral message, so it cannot send one along.
        ...(!isEphemeral && { message }),
        state: { values },
        response_url: sandbox.baseUrl() + responseUrls.issue('actions', grant),
      };
    },
  };
}

function findView(sandbox: Sandbox, person: Person, viewId: string): SlackView {
  const { workspace } = sandbox;
  const top = workspace.modals.get(person.id)?.at(-1)?.view;
  const home = workspace.homes.get(person.id);
  const view = [top, home].find((one) => one?.id === viewId);
  if (view === undefined) throw new Impossible(`${person.name} does not see a view ${viewId}`);
  return view;
}

function onView(sandbox: Sandbox, person: Person, press: Press & { viewId: string }): Surface {
  const { workspace } = sandbox;
  const view = findView(sandbox, person, press.viewId);
  return {
    blocks: view.blocks,
    describe(placed) {
      const typed = { ...press.values, ...withPress(view.state.values, placed, press) };
      const filled = fillIn(view.blocks, typed, workspace.people).values;
      const values = { ...view.state.values };
      for (const blockId of Object.keys(typed)) {
        values[blockId] = { ...values[blockId], ...filled[blockId] };
      }
      const now: SlackView = { ...view, state: { values } };
      if (view.type === 'home') workspace.homes.set(person.id, now);
      else changeOpenView(workspace, person.id, { viewId: view.id, to: { view: now, errors: {} } });
      return { container: { type: 'view', view_id: view.id }, view: now };
    },
  };
}

async function deliverPress(sandbox: Sandbox, press: Press): Promise<ActResult> {
  const person = findActor(sandbox.workspace, press.user);
  const surface =
    press.viewId === undefined
      ? onMessage(sandbox, person, { channel: press.channel, ts: press.ts, press })
      : onView(sandbox, person, press);
  const placed = findPressed(surface.blocks, press);
  const actions = [toAction(sandbox, placed, press)];
  const acknowledgement = await sandbox.delivery.deliver({
    type: 'interactive',
    payload: {
      type: 'block_actions',
      ...toInteraction(person),
      ...surface.describe(placed),
      trigger_id: sandbox.triggers.issue(person.id),
      actions,
    },
  });
  return acknowledgement.acked ? { acked: true } : acknowledgement;
}

/**
 * A person presses a button or chooses in a menu. It must be there for them at this moment: in that
 * very message, still on it, and not in somebody else's ephemeral.
 */
export async function pressElement(sandbox: Sandbox, press: Press): Promise<ActResult> {
  return settle(async () => deliverPress(sandbox, press));
}
