import type { Chosen, Drawing, Field } from '../blocks/drawing.ts';
import type { Session } from '../session.ts';
import type { View } from '../workspace-view.ts';

type Values = Record<string, Record<string, Chosen>>;

/** The fields of one drawn view: how they are read, and what is drawn with them. */
export interface ViewFields {
  readonly fields: readonly Field[];
  readonly drawing: Drawing;
  readValues(): Values;
}

/**
 * Prepares to draw a view. What a person has typed stays in a field of the same ids when the app
 * changes the view under their hands, as it does in Slack.
 */
export function makeViewFields(session: Session, view: View, before?: ViewFields): ViewFields {
  const fields: Field[] = [];
  const kept = before?.readValues() ?? {};
  function readValues(): Values {
    const values: Values = {};
    for (const field of fields) {
      values[field.blockId] = { ...values[field.blockId], [field.actionId]: field.read() };
    }
    return values;
  }
  return {
    fields,
    readValues,
    drawing: {
      directory: session.directory,
      async act(action) {
        await session.act('action', { viewId: view.id, values: readValues(), ...action });
      },
      addField(field) {
        fields.push(field);
      },
      keptValue: (blockId, actionId) => kept[blockId]?.[actionId],
    },
  };
}
