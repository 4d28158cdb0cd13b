import { ConfigError, readVariable } from './environment.ts';
import type { Environment } from './environment.ts';

export interface SlackConfig {
  readonly connection:
    | { readonly kind: 'socket'; readonly appToken: string }
    | { readonly kind: 'http'; readonly signingSecret: string; readonly port: number };
  readonly botToken: string;
  readonly apiUrl?: string;
}

/**
 * The tokens of the Slack app, without the blanks and line ends that copying leaves around them. Throws a ConfigError
 * that names everything missing, contradictory or of another kind at once; nothing of a token is part of it.
 */
export function readSlackConfig(environment: Environment): SlackConfig {
  const problems: string[] = [];
  const read = (name: string): string => {
    try {
      return (readVariable(environment, name) ?? '').trim();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(...error.problems);
      return '';
    }
  };
  const botToken = read('SLACK_BOT_TOKEN');
  const appToken = read('SLACK_APP_TOKEN');
  const signingSecret = read('SLACK_SIGNING_SECRET');
  const apiUrl = read('SLACK_API_URL');
  const port = Number(environment['PORT'] ?? '3000');
  if (botToken === '') problems.push('SLACK_BOT_TOKEN is not set: the bot token (xoxb-…).');
  else problems.push(...judgeToken('SLACK_BOT_TOKEN', 'xoxb-', botToken));
  if (appToken === '' && signingSecret === '') {
    problems.push('Set SLACK_APP_TOKEN (Socket Mode) or SLACK_SIGNING_SECRET (HTTP).');
  }
  if (appToken !== '') problems.push(...judgeToken('SLACK_APP_TOKEN', 'xapp-', appToken));
  if (kindOf(signingSecret) !== undefined) {
    const what = `SLACK_SIGNING_SECRET is ${kindOf(signingSecret)}`;
    problems.push(`${what}. Set the Signing Secret from "Basic Information".`);
  }
  if (appToken !== '' && signingSecret !== '') {
    problems.push('Set either SLACK_APP_TOKEN or SLACK_SIGNING_SECRET, not both.');
  }
  if (!Number.isInteger(port) || port < 0 || port > 65_535) problems.push('PORT is not a port.');
  if (apiUrl !== '' && !URL.canParse(apiUrl)) problems.push('SLACK_API_URL is not an address.');
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    connection:
      appToken === '' ? { kind: 'http', signingSecret, port } : { kind: 'socket', appToken },
    botToken,
    ...(apiUrl !== '' && { apiUrl }),
  };
}

/** By their beginnings (Slack documentation, Token types and Token rotation). The first that fits counts. */
const kinds: readonly (readonly [RegExp, string])[] = [
  [/^xoxe-/, 'a refresh token of token rotation'],
  [/^xoxe\./, 'a token that rotation replaces every 12 hours'],
  [/^xapp-/, 'an app-level token'],
  [/^xoxb-/, 'a bot token'],
  [/^xoxp-/, 'a user token'],
  [/^xox[a-z]-/, 'another kind of token'],
];

const places: Readonly<Record<string, string>> = {
  'xoxb-': 'the Bot User OAuth Token (xoxb-…) from "OAuth & Permissions"',
  'xapp-': 'an App-Level Token (xapp-…) with connections:write from "Basic Information"',
};

function kindOf(token: string): string | undefined {
  return kinds.find(([start]) => start.test(token))?.[1];
}

function judgeToken(name: string, start: 'xoxb-' | 'xapp-', token: string): readonly string[] {
  if (token.startsWith('xoxe')) {
    // Slack cannot turn rotation off again for an app that has it.
    const fix = 'Create the app again from manifest.yml, which has token rotation off';
    return [`${name} is ${kindOf(token)}, which dbconn does not renew. ${fix}.`];
  }
  if (!token.startsWith(start)) {
    const kind = kindOf(token);
    const what = kind === undefined ? `does not start with ${start}` : `is ${kind}`;
    return [`${name} ${what}. Set ${places[start]}.`];
  }
  // In a header it would fail before Slack is asked, as if Slack could not be reached.
  if (/^[\w-]+$/.test(token)) return [];
  return [`${name} has a blank, a quote or another character that no token has. Copy it again.`];
}
