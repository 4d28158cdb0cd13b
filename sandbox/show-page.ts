import { toText } from './message-text.ts';
import type { Trouble } from './patient/scenes/scene.ts';
import { people } from './stage.ts';
import type { Stage } from './stage.ts';
import { ask } from './tour/room.ts';

const [onCall] = people;

/** Makes the trouble, asks the bot about it, and says how whoever opens the page goes on. */
export async function showPage({ slack, patient }: Stage, trouble: Trouble): Promise<void> {
  console.log(`The page: ${slack.url}`);
  console.log((await patient.trouble(trouble)).join(' '));
  console.log(toText(await ask({ slack, say: console.log }, onCall, 'status')));
  console.log(
    `\nGo on at ${slack.url}: an incident opens there by itself. Press Acknowledge, or type /dbconn help.`,
  );
  console.log(
    'You cannot approve your own request: switch to another person at the top. Ctrl-C ends everything.',
  );
}
