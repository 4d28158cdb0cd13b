import { element } from '../dom.ts';
import type { SharedFile } from '../workspace-view.ts';

/** What a person sees of a text before they download it. */
const PREVIEW_LINES = 12;
const PREVIEW_CHARACTERS = 1200;
/** A larger text is not fetched for the sake of its first lines. */
const MAX_PREVIEWED_BYTES = 1_000_000;

/** A file under a message: its picture or its first lines, and a link to all of it. */
export function renderFile(file: SharedFile): HTMLElement {
  const address = `/files/${encodeURIComponent(file.id)}`;
  return element(
    'figure',
    { class: 'file' },
    element(
      'figcaption',
      {},
      element('a', { href: address, download: file.name }, file.title),
      element('small', {}, `${file.name} · ${inWords(file.size)}`),
    ),
    renderPreview(file, address),
  );
}

function renderPreview(file: SharedFile, address: string): HTMLElement | undefined {
  if (/^image\/(?:png|jpeg|gif)$/.test(file.mimetype)) {
    return element('img', { src: address, alt: file.alt_txt ?? file.title });
  }
  const isText = /^text\/|^application\/json$/.test(file.mimetype);
  if (!isText || file.size > MAX_PREVIEWED_BYTES) return undefined;
  const text = element('pre', { tabindex: '0', 'aria-label': `Beginning of ${file.name}` });
  void fill(text, address);
  return text;
}

async function fill(pre: HTMLElement, address: string): Promise<void> {
  try {
    const response = await fetch(address);
    const lines = (await response.text()).slice(0, PREVIEW_CHARACTERS).split('\n');
    pre.textContent = lines.slice(0, PREVIEW_LINES).join('\n');
  } catch {
    pre.textContent = 'The local Slack does not answer.';
  }
}

function inWords(bytes: number): string {
  return bytes < 1000 ? `${bytes} bytes` : `${(bytes / 1000).toFixed(bytes < 10_000 ? 1 : 0)} kB`;
}
