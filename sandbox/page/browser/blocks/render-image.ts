import { element } from '../dom.ts';
import { renderLink } from '../text/render-inline.ts';
import { plainTextOf } from '../text/render-text-object.ts';
import type { ImageBlock, ImageElement, SlackFile } from '@slack/types';

/** An image block with its title. */
export function renderImage(block: ImageBlock): HTMLElement {
  const title =
    block.title === undefined ? undefined : element('figcaption', {}, plainTextOf(block.title));
  return element('figure', {}, title, renderPicture(block));
}

/** A small image beside a section or within a context. */
export function renderImageElement(image: ImageElement): HTMLElement {
  return renderPicture(image);
}

/**
 * The picture itself, only from the local Slack: the page loads nothing from elsewhere, so that
 * looking at a message tells no other server that it was read.
 */
function renderPicture(
  image: Pick<ImageElement, 'alt_text'> & ({ image_url: string } | { slack_file: SlackFile }),
): HTMLElement {
  const address = 'image_url' in image ? image.image_url : fileAddress(image.slack_file);
  const url = URL.parse(address, location.href);
  if (url?.origin === location.origin) {
    return element('img', { src: url.href, alt: image.alt_text, loading: 'lazy' });
  }
  return element(
    'span',
    { class: 'image-elsewhere', title: 'The sandbox loads no images from other hosts.' },
    renderLink(address, document.createTextNode(image.alt_text)),
  );
}

function fileAddress(file: SlackFile): string {
  return 'id' in file ? `/files/${encodeURIComponent(file.id)}` : file.url;
}
