/** What Slack adds to a bare error word. */
interface RefusalDetails {
  /** `response_metadata.messages`: which part of the payload was wrong, by JSON pointer. */
  readonly messages?: readonly string[];
  /** What blocks.validate answers beside its error word. */
  readonly errors?: readonly Readonly<Record<string, string>>[];
  readonly needed?: string;
  readonly provided?: string;
  /** Makes the answer a 429 with Retry-After. */
  readonly retryAfterSeconds?: number;
  /** HTTP status for endpoints that do not answer 200 to everything (response_url). */
  readonly status?: number;
}

/** Slack says no: `code` is Slack's own error word, as the Web API reports it in `error`. */
export class SlackRefusal extends Error {
  readonly code: string;
  readonly details: RefusalDetails;

  constructor(code: string, details: RefusalDetails = {}) {
    super([code, ...(details.messages ?? [])].join(' '));
    this.name = 'SlackRefusal';
    this.code = code;
    this.details = details;
  }
}
