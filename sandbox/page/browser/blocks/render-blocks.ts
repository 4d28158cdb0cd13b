import { element } from '../dom.ts';
import { parseMarkdown } from '../text/parse-markdown.ts';
import { renderPassages } from '../text/render-passages.ts';
import { plainTextOf, renderTextObject } from '../text/render-text-object.ts';
import { renderElement } from '../elements/render-element.ts';
import { renderInput } from './render-input.ts';
import { renderImage, renderImageElement } from './render-image.ts';
import { renderLineChart } from './render-line-chart.ts';
import { renderRichText } from './render-rich-text.ts';
import { renderTable } from './render-table.ts';
import type { ActionsBlock, AlertBlock, ContextBlock, SectionBlock } from '@slack/types';
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
    case 'divider':
      return element('hr');
    case 'context':
      return renderContext(block, drawing);
    case 'actions':
      return renderActions(block, drawing);
    case 'image':
      return renderImage(block);
    case 'rich_text':
      return renderRichText(block, drawing.directory);
    case 'table':
      return renderTable(block, drawing.directory);
    case 'markdown':
      return element('div', {}, renderPassages(parseMarkdown(block.text), drawing.directory));
    case 'data_visualization':
      return renderLineChart(block);
    case 'input':
      return renderInput(block, drawing);
    case 'alert':
      return renderAlert(block, drawing);
    default:
      return block satisfies never;
  }
}

function renderSection(block: SectionBlock, drawing: Drawing): HTMLElement {
  const { accessory } = block;
  const text =
    block.text === undefined ? undefined : renderTextObject(block.text, drawing.directory);
  const fields =
    block.fields === undefined
      ? undefined
      : element(
          'div',
          { class: 'section-fields' },
          ...block.fields.map((field) => renderTextObject(field, drawing.directory)),
        );
  const aside =
    accessory === undefined
      ? undefined
      : element(
          'div',
          { class: 'section-accessory' },
          accessory.type === 'image'
            ? renderImageElement(accessory)
            : renderElement(accessory, block.block_id ?? '', drawing),
        );
  return element('div', {}, element('div', { class: 'section-body' }, text, fields), aside);
}

function renderContext(block: ContextBlock, drawing: Drawing): HTMLElement {
  return element(
    'div',
    {},
    ...block.elements.map((each) =>
      each.type === 'image' ? renderImageElement(each) : renderTextObject(each, drawing.directory),
    ),
  );
}

function renderActions(block: ActionsBlock, drawing: Drawing): HTMLElement {
  return element(
    'div',
    {},
    ...block.elements.map((each) => renderElement(each, block.block_id ?? '', drawing)),
  );
}

function renderAlert(block: AlertBlock, drawing: Drawing): HTMLElement {
  const level = block.level ?? 'default';
  return element(
    'div',
    { class: `alert-${level}`, role: level === 'error' ? 'alert' : 'note' },
    renderTextObject(block.text, drawing.directory),
  );
}

/** Says what is missing instead of hiding it: a block that vanishes looks like a bug of the app. */
function renderUnknown(block: { readonly type: string }): HTMLElement {
  return element('div', { class: 'unknown' }, `This page cannot draw a "${block.type}" block.`);
}
