import { toText } from './message-text.ts';
import { people } from './stage.ts';
import type { Stage } from './stage.ts';
import { ask } from './tour/room.ts';

const [onCall] = people;

/** Makes a leak, asks the bot about it, and leaves the rest to whoever opens the page, until SIGINT or SIGTERM. */
export async function showPage({ slack, patient }: Stage): Promise<void> {
  console.log(`The page: ${slack.url}`);
  console.log((await patient.trouble('connection-leak')).join(' '));
  console.log(toText(await ask({ slack, say: console.log }, onCall, 'status')));
  console.log(`\nGo on at ${slack.url}: press a button, or type /dbconn help.`);
  console.log(
    'Whoever proposes cannot approve it: change the person at the top. Ctrl-C ends everything.',
  );
  await new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
}
