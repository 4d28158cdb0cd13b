import { z } from 'zod';
import { SlackRefusal } from '../slack-refusal.ts';
import { openModal, publishHome, pushModal, updateView } from '../views.ts';
import { findPerson } from './lookup.ts';
import { defineMethod, jsonArgument } from './method.ts';

const view = jsonArgument('invalid_arguments');
const triggered = z.strictObject({ trigger_id: z.string(), view });

export const viewsMethods = {
  'views.open': defineMethod({
    scopes: [],
    tier: 'tier4',
    args: triggered,
    run({ workspace, triggers }, args) {
      return { view: openModal(workspace, triggers.exchange(args.trigger_id), args.view) };
    },
  }),
  'views.push': defineMethod({
    scopes: [],
    tier: 'tier4',
    args: triggered,
    run({ workspace, triggers }, args) {
      return { view: pushModal(workspace, triggers.exchange(args.trigger_id), args.view) };
    },
  }),
  'views.update': defineMethod({
    scopes: [],
    tier: 'tier4',
    args: z
      .strictObject({
        view_id: z.string().optional(),
        external_id: z.string().optional(),
        hash: z.string().optional(),
        view,
      })
      .refine((args) => args.view_id !== undefined || args.external_id !== undefined, {
        message: 'missing required field: view_id or external_id',
      }),
    run({ workspace }, args) {
      const which = { id: args.view_id, externalId: args.external_id };
      return { view: updateView(workspace, which, args) };
    },
  }),
  'views.publish': defineMethod({
    scopes: [],
    tier: 'tier4',
    args: z.strictObject({ user_id: z.string(), hash: z.string().optional(), view }),
    run({ workspace }, args) {
      if (workspace.manifest.features?.app_home?.home_tab_enabled !== true) {
        throw new SlackRefusal('not_enabled');
      }
      const person = findPerson(workspace, args.user_id);
      return { view: publishHome(workspace, person.id, args) };
    },
  }),
};
