import { act, readWorkspace, type Act, type ActResult } from './api.ts';
import { makeDirectory, type Directory } from './directory.ts';
import { readAddress, writeAddress, type Place } from './place.ts';
import { showToast } from './layout/toast.ts';
import type { Channel, WorkspaceView } from './workspace-view.ts';

/** The app is in every workspace, so through its eyes the page learns who else is here. */
const APP_USER = 'U0SANDBOXBOT';

/** Who is looking at what. One per page. */
export interface Session {
  readonly view: WorkspaceView;
  readonly directory: Directory;
  readonly place: Place;
  /** The conversation of the place; undefined on the Home tab and before the app wrote a DM. */
  readonly channel: Channel | undefined;
  go(place: Place): void;
  /** Goes on as another person, at the same place where that person may be there. */
  become(user: string): Promise<void>;
  /** Does something as this person and says so when the app did not answer. */
  act(what: Act, body: object): Promise<ActResult>;
  /** Reads the workspace again; calls that come together become one. */
  refresh(): Promise<void>;
}

/** Finds out who looks at what, and calls `draw` now and after every change. */
export async function startSession(draw: (session: Session) => void): Promise<Session> {
  const asked = readAddress(location);
  let view = await readFirstView(asked.user);
  let directory = makeDirectory(view);
  let place = choosePlace(view, asked.place);
  let reading: Promise<void> | undefined;
  let isStale = false;

  function show(next: { readonly view?: WorkspaceView; readonly place?: Place }): void {
    view = next.view ?? view;
    if (next.view !== undefined) directory = makeDirectory(view);
    place = choosePlace(view, next.place ?? place);
    history.replaceState(null, '', writeAddress(view.me, place));
    draw(session);
  }
  async function readUntilFresh(): Promise<void> {
    do {
      isStale = false;
      const user = view.me;
      const read = await readWorkspace(user);
      // Someone else took over while this was under way; what they saw must not replace it.
      if (user === view.me) show({ view: read });
    } while (isStale);
  }
  const session: Session = {
    get view() {
      return view;
    },
    get directory() {
      return directory;
    },
    get place() {
      return place;
    },
    get channel() {
      return channelOf(view, place);
    },
    go: (to) => show({ place: to }),
    async become(user) {
      show({ view: await readWorkspace(user) });
      await openHome(session);
    },
    async act(what, body) {
      const result = await act(what, { user: view.me, ...body });
      // Slackbot tells about commands itself, and a form shows its errors at the fields.
      if (!result.acked && what !== 'command' && result.errors === undefined) {
        showToast(inWords(result.error, view.app.name));
      }
      return result;
    },
    async refresh() {
      isStale = true;
      reading ??= readUntilFresh().finally(() => {
        reading = undefined;
      });
      return reading;
    },
  };
  show({});
  void openHome(session);
  return session;
}

/** The app draws a Home tab only for whom it was told of. */
async function openHome(session: Session): Promise<void> {
  const { place } = session;
  if (place.kind === 'app' && place.tab === 'home') await session.act('home', {});
}

async function readFirstView(user: string | undefined): Promise<WorkspaceView> {
  const first = await readWorkspace(user ?? APP_USER).catch(async () => readWorkspace(APP_USER));
  const person = makeDirectory(first).people[0];
  return first.me === APP_USER && person !== undefined ? readWorkspace(person.id) : first;
}

/** A person who is not in the asked channel sees the first one they are in. */
function choosePlace(view: WorkspaceView, asked: Place | undefined): Place {
  const rooms = view.channels.filter(({ kind }) => kind !== 'im');
  if (asked?.kind === 'app') return asked;
  if (asked !== undefined && rooms.some(({ id }) => id === asked.id)) return asked;
  const first = rooms[0];
  return first === undefined ? { kind: 'app', tab: 'home' } : { kind: 'channel', id: first.id };
}

function channelOf(view: WorkspaceView, place: Place): Channel | undefined {
  if (place.kind === 'channel') return view.channels.find(({ id }) => id === place.id);
  return place.tab === 'messages' ? view.channels.find(({ kind }) => kind === 'im') : undefined;
}

function inWords(error: string | undefined, app: string): string {
  switch (error) {
    case 'operation_timeout':
      return `${app} did not answer within 3 seconds.`;
    case 'dispatch_failed':
      return `${app} is not connected.`;
    case 'http_service_error':
      return `${app} answered with an error.`;
    case undefined:
      return 'That did not work.';
    default:
      return `That did not work: ${error}.`;
  }
}
