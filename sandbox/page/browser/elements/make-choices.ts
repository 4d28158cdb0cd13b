import { element, uniqueId } from '../dom.ts';
import { renderTextObject } from '../text/render-text-object.ts';
import type { Checkboxes, Option, RadioButtons } from '@slack/types';
import type { Directory } from '../directory.ts';
import type { Control, ControlContext } from './control.ts';

/** Check boxes or radio buttons, each with its description below it. */
export function makeChoices(
  spec: Checkboxes | RadioButtons,
  { directory, kept }: ControlContext,
): Control {
  const name = uniqueId('choices');
  const chosen = new Set(kept === undefined ? initialValues(spec) : [kept ?? []].flat());
  const rows = spec.options.map((option) => {
    const box = element('input', {
      type: spec.type === 'checkboxes' ? 'checkbox' : 'radio',
      name,
      checked: chosen.has(option.value ?? ''),
    });
    const label = element('label', { class: 'choice' }, box, renderWords(option, directory));
    return { value: option.value ?? '', box, label };
  });
  const picked = (): readonly string[] =>
    rows.filter(({ box }) => box.checked).map(({ value }) => value);
  return {
    root: element('div', { class: 'choices', role: 'group' }, ...rows.map(({ label }) => label)),
    read: () => (spec.type === 'checkboxes' ? picked() : (picked()[0] ?? null)),
  };
}

function initialValues(spec: Checkboxes | RadioButtons): readonly string[] {
  const options = spec.type === 'checkboxes' ? (spec.initial_options ?? []) : [spec.initial_option];
  return options.flatMap((option) => option?.value ?? []);
}

function renderWords(option: Option, directory: Directory): HTMLElement {
  const description =
    option.description === undefined
      ? undefined
      : element(
          'span',
          { class: 'choice-description' },
          renderTextObject(option.description, directory),
        );
  return element(
    'span',
    { class: 'choice-words' },
    renderTextObject(option.text, directory),
    description,
  );
}
