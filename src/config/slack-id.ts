import { z } from 'zod';

/** An id of Slack's that begins with one of the letters. */
export function slackId(letters: string, what: string): z.ZodString {
  return z.string().regex(new RegExp(`^[${letters}][A-Z0-9]{2,20}$`), `is not the id of ${what}`);
}
