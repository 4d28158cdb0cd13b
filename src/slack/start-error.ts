import {
  WebAPIHTTPError,
  WebAPIPlatformError,
  WebAPIRateLimitedError,
  WebAPIRequestError,
} from '@slack/web-api';

/** Why the bot could not come up in Slack, and what the operator does about it. */
export class SlackStartError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'SlackStartError';
  }
}

/** Which of the two tokens was being used. */
export type Credential = 'bot token' | 'app token';

const whereToFind: Readonly<Record<Credential, string>> = {
  'bot token':
    'Set SLACK_BOT_TOKEN to the Bot User OAuth Token (xoxb-…) from "OAuth & Permissions", after installing the app to the workspace.',
  'app token':
    'Set SLACK_APP_TOKEN to an App-Level Token (xapp-…) with the scope connections:write from "Basic Information", and enable Socket Mode.',
};

/** Turns what Slack's client throws into a sentence that says what happened and what to do next. */
export function toStartError(error: unknown, credential: Credential): SlackStartError {
  if (error instanceof SlackStartError) return error;
  const fix = whereToFind[credential];
  if (error instanceof WebAPIPlatformError) {
    return new SlackStartError(
      `Slack refused the ${credential} (${error.data.error}). ${fix}`,
      error,
    );
  }
  if (error instanceof WebAPIRateLimitedError) {
    const text = `Slack asks to wait ${error.retryAfter} s before the next start: something starts dbconn too often.`;
    return new SlackStartError(text, error);
  }
  if (error instanceof WebAPIHTTPError) {
    const text = `Slack answered HTTP ${error.statusCode}. Check SLACK_API_URL and any proxy in between.`;
    return new SlackStartError(text, error);
  }
  if (error instanceof WebAPIRequestError) {
    const text = 'Slack could not be reached. Check the network, the proxy and SLACK_API_URL.';
    return new SlackStartError(text, error);
  }
  return new SlackStartError(`Slack could not be joined with the ${credential}. ${fix}`, error);
}

/** Whether another attempt could go better: a refusal of the token will not. */
export function isPassing(error: unknown): boolean {
  return !(error instanceof WebAPIPlatformError);
}
