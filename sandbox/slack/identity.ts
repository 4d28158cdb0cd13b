/** The one workspace and the one app this Slack knows; seeds and tests name the bot by `botUserId`. */
export const identity = {
  teamId: 'T0SANDBOX',
  teamName: 'Sandbox',
  teamDomain: 'sandbox',
  appId: 'A0SANDBOX',
  botUserId: 'U0SANDBOXBOT',
  botId: 'B0SANDBOX',
  /** Slack still sends this retired token in every payload; nothing may rely on it. */
  verificationToken: 'sandbox-verification-token',
  /** Slack speaks to a person in this name when an app failed to answer. */
  slackbotUserId: 'USLACKBOT',
} as const;
