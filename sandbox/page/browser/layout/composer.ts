import { element } from '../dom.ts';
import type { Session } from '../session.ts';

const PLAIN_TEXT = 'Nothing was posted: this sandbox takes slash commands only.';

/** The line below a conversation. It stays in the page, so that what is typed survives redraws. */
interface Composer {
  show(session: Session): void;
}

/** Builds the composer into its form. */
export function makeComposer(form: HTMLFormElement): Composer {
  let session: Session | undefined;
  const past: string[] = [];
  let steps = 0;
  const line = element('input', {
    class: 'composer-line',
    'aria-label': 'Slash command',
    autocomplete: 'off',
    spellcheck: 'false',
    maxlength: '3000',
  });
  const note = element('p', { class: 'composer-note', role: 'status' });
  const send = element('button', { class: 'button button-primary', type: 'submit' }, 'Send');
  form.append(element('div', { class: 'composer-box' }, line, send), note);

  function typed(): void {
    note.textContent = session === undefined ? '' : hint(line.value, session);
    note.classList.remove('composer-refusal');
    send.disabled = line.value.trim() === '';
  }
  /** The person's earlier lines come back with the arrow keys, as in a terminal. */
  function recall(step: number): void {
    steps = Math.min(Math.max(steps + step, 0), past.length);
    line.value = steps === 0 ? '' : (past.at(-steps) ?? '');
    typed();
  }
  line.addEventListener('input', typed);
  line.addEventListener('keydown', (event) => {
    if (event.key !== 'ArrowUp' && event.key !== 'ArrowDown') return;
    event.preventDefault();
    recall(event.key === 'ArrowUp' ? 1 : -1);
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const text = line.value.trim();
    const channel = session?.channel;
    if (text === '' || session === undefined || channel === undefined) return;
    if (!text.startsWith('/')) {
      note.textContent = `${PLAIN_TEXT} Try ${exampleOf(session)}.`;
      note.classList.add('composer-refusal');
      return;
    }
    past.push(text);
    steps = 0;
    line.value = '';
    typed();
    void session.act('command', { channel: channel.id, text });
  });
  return {
    show(next) {
      session = next;
      form.hidden = next.channel === undefined;
      line.placeholder = `Type ${exampleOf(next)}`;
      if (!note.classList.contains('composer-refusal')) typed();
    },
  };
}

/** Once a slash is typed: the commands it can still become. */
function hint(text: string, { view }: Session): string {
  if (!text.startsWith('/')) return 'Slash commands only: plain text is not posted here.';
  const [command = ''] = text.split(' ', 1);
  const matching = view.commands.filter((each) => each.command.startsWith(command));
  if (matching.length === 0) return `There is no command ${command} here.`;
  return matching.map((each) => `${each.command} ${each.usageHint}`.trim()).join(' · ');
}

function exampleOf({ view }: Session): string {
  const command = view.commands[0]?.command;
  return command === undefined ? 'a slash command' : `${command} help`;
}
