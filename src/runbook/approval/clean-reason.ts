import { cleanUntrusted } from '../diagnose/untrusted.ts';
import { redactText } from '../diagnose/redact-text.ts';

const longestReason = 500;

/** What a person wrote, fit to be kept: people in a hurry paste addresses and statements. Null when nothing is left. */
export function cleanReason(reason: string | undefined): string | null {
  const text = cleanUntrusted(redactText(reason ?? ''), longestReason).trim();
  return text === '' ? null : text;
}
