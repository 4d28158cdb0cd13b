import { element } from '../dom.ts';
import { plainTextOf, renderTextObject } from '../text/render-text-object.ts';
import { renderElement } from '../elements/render-element.ts';
import { renderInput } from './render-input.ts';
import { renderLineChart } from './render-line-chart.ts';
import { renderRichText } from './render-rich-text.ts';
import { renderTable } from './render-table.ts';
import type { ActionsBlock, ContainerBlock, ContextBlock, SectionBlock } from '@slack/types';
import { isPageBlock, type PageBlock } from './block.ts';
import type { Drawing } from './drawing.ts';
import type { SentBlock } from '../workspace-view.ts';

/** Draws a message's, modal's or home's blocks in their order. */
export function renderBlocks(blocks: readonly SentBlock[], drawing: Drawing): HTMLElement {
  return element('div', { class: 'blocks' }, ...blocks.map((block) => renderBlock(block, drawing)));
}

function renderBlock(block: SentBlock, drawing: Drawing): HTMLElement {
  const drawn = isPageBlock(block) ? draw(block, drawing) : renderUnknown(block);
  drawn.classList.add('block', `block-${block.type.replaceAll('_', '-')}`);
  drawn.dataset['blockId'] = block.block_id;
  return drawn;
}

function draw(block: PageBlock, drawing: Drawing): HTMLElement {
  switch (block.type) {
    case 'section':
      return renderSection(block, drawing);
    case 'header':
      return element('h4', {}, plainTextOf(block.text));
    case 'container':
      return renderContainer(block, drawing);
    case 'context':
      return renderContext(block, drawing);
    case 'actions':
      return renderActions(block, drawing);
    case 'rich_text':
      return renderRichText(block, drawing.directory);
    case 'table':
      return renderTable(block, drawing.directory);
    case 'data_visualization':
      return renderLineChart(block);
    case 'input':
      return renderInput(block, drawing);
    default:
      return block satisfies never;
  }
}

function renderSection({ text, accessory, block_id: id = '' }: SectionBlock, drawing: Drawing) {
  return element(
    'div',
    {},
    element('div', { class: 'section-body' }, text && renderTextObject(text, drawing.directory)),
    accessory &&
      (accessory.type === 'image'
        ? renderUnknown(accessory)
        : renderElement(accessory, id, drawing)),
  );
}

function renderContext(block: ContextBlock, drawing: Drawing): HTMLElement {
  const { directory } = drawing;
  return element(
    'div',
    {},
    ...block.elements.map((each) =>
      each.type === 'image' ? renderUnknown(each) : renderTextObject(each, directory),
    ),
  );
}

/** What a person unfolded, by block id: it stays so when the message is drawn again. */
const unfolded = new Set<string>();

function renderContainer(block: ContainerBlock, drawing: Drawing): HTMLElement {
  const { title, block_id: id = '' } = block;
  const children = block.child_blocks.map((child) => ({
    ...child,
    block_id: child.block_id ?? '',
  }));
  const heading = title && plainTextOf(title);
  if (block.is_collapsible !== true) {
    return element('div', {}, element('h5', {}, heading), renderBlocks(children, drawing));
  }
  const fold = document.createElement('details');
  fold.open = block.default_collapsed !== true || unfolded.has(id);
  fold.append(element('summary', {}, heading), renderBlocks(children, drawing));
  fold.addEventListener('toggle', () => {
    if (fold.open) unfolded.add(id);
    else unfolded.delete(id);
  });
  return fold;
}

function renderActions(block: ActionsBlock, drawing: Drawing): HTMLElement {
  return element(
    'div',
    {},
    ...block.elements.map((each) => renderElement(each, block.block_id ?? '', drawing)),
  );
}

/** Says what is missing instead of hiding it: a block that vanishes looks like a bug of the app. */
function renderUnknown(block: { readonly type: string }): HTMLElement {
  return element('div', { class: 'unknown' }, `This page cannot draw "${block.type}".`);
}
