import { z } from 'zod';
import { identity } from '../identity.ts';
import type { Person, UserGroup } from '../options.ts';
import { SlackRefusal } from '../slack-refusal.ts';
import { findPerson } from './lookup.ts';
import { defineMethod, flagArgument } from './method.ts';

/** Seconds east of UTC at this moment; Slack reports it beside the zone's name. */
function toOffsetSeconds(tz: string, atMs: number): number {
  const parts = new Intl.DateTimeFormat('en', { timeZone: tz, timeZoneName: 'longOffset' })
    .formatToParts(atMs)
    .find((part) => part.type === 'timeZoneName');
  const [, sign = '+', hours = '0', minutes = '0'] =
    /GMT([+-])(\d\d):(\d\d)/.exec(parts?.value ?? '') ?? [];
  return (sign === '-' ? -1 : 1) * (Number(hours) * 3600 + Number(minutes) * 60);
}

function toUser(person: Person, atMs: number): Readonly<Record<string, unknown>> {
  const { tz = 'Etc/UTC', team = identity.teamId } = person;
  return {
    id: person.id,
    team_id: team,
    name: person.name,
    real_name: person.realName,
    deleted: person.deactivated === true,
    is_bot: person.bot === true,
    is_app_user: false,
    profile: {
      real_name: person.realName,
      display_name: person.name,
      team,
    },
    // Slack says it of people of other workspaces only.
    ...(team !== identity.teamId && { is_stranger: true }),
    // Slack leaves out zone and role of somebody who has left.
    ...(person.deactivated !== true && {
      tz,
      tz_label: tz,
      tz_offset: toOffsetSeconds(tz, atMs),
      is_admin: false,
      is_owner: false,
      is_restricted: person.guest === true || person.guest === 'single-channel',
      is_ultra_restricted: person.guest === 'single-channel',
    }),
  };
}

const groupFlags = {
  include_count: flagArgument,
  include_disabled: flagArgument,
  include_users: flagArgument,
};

function isListed(flags: {
  readonly include_disabled?: boolean | undefined;
}): (group: UserGroup) => boolean {
  return ({ disabled }: UserGroup): boolean => disabled !== true || flags.include_disabled === true;
}

export const usersMethods = {
  'users.info': defineMethod({
    scopes: ['users:read'],
    tier: 'tier4',
    args: z.strictObject({ user: z.string(), include_locale: flagArgument }),
    run({ workspace }, { user }) {
      return { user: toUser(findPerson(workspace, user), workspace.now()) };
    },
  }),
  'usergroups.list': defineMethod({
    scopes: ['usergroups:read'],
    tier: 'tier2',
    args: z.strictObject(groupFlags),
    run({ workspace }, args) {
      return {
        usergroups: workspace.userGroups.filter(isListed(args)).map((group) => ({
          id: group.id,
          team_id: identity.teamId,
          is_usergroup: true,
          handle: group.handle,
          name: group.handle,
          date_delete: group.disabled === true ? 1 : 0,
          ...(args.include_count === true && { user_count: group.members.length }),
          ...(args.include_users === true && { users: group.members }),
        })),
      };
    },
  }),
  'usergroups.users.list': defineMethod({
    scopes: ['usergroups:read'],
    tier: 'tier2',
    args: z.strictObject({
      usergroup: z.string(),
      include_disabled: flagArgument,
    }),
    run({ workspace }, { usergroup, ...flags }) {
      const group = workspace.userGroups.filter(isListed(flags)).find(({ id }) => id === usergroup);
      if (group === undefined) throw new SlackRefusal('no_such_subteam');
      return { users: group.members };
    },
  }),
};
