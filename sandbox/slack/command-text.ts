import type { Workspace } from './workspace.ts';

/** Slack's entity escaping: these three characters and no others. */
function escapeEntities(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function byName<T extends { readonly name: string }>(
  all: Iterable<T>,
  name: string,
): T | undefined {
  return [...all].find((one) => one.name === name);
}

/**
 * What a person typed after a slash command, as the app receives it: entities escaped, and with
 * `should_escape` in the manifest also people, channels and links turned into Slack's tokens.
 */
export function toCommandText(workspace: Workspace, typed: string, shouldEscape: boolean): string {
  const escaped = escapeEntities(typed.trim());
  if (!shouldEscape) return escaped;
  return escaped
    .replaceAll(/https?:\/\/\S+/g, (link) => `<${link}>`)
    .replaceAll(/(?<=^|\s)@([\w.-]+)/g, (whole, name: string) => {
      const person = byName(workspace.people.values(), name);
      return person === undefined ? whole : `<@${person.id}|${person.name}>`;
    })
    .replaceAll(/(?<=^|\s)#([\w-]+)/g, (whole, name: string) => {
      const channel = byName(workspace.channels.values(), name);
      if (channel === undefined || channel.kind === 'im') return whole;
      return `<#${channel.id}|${channel.kind === 'private' ? '' : channel.name}>`;
    });
}
