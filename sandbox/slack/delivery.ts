/** What goes to the app; the payload as Slack's JSON. */
export interface Envelope {
  readonly type: 'slash_commands' | 'interactive' | 'events_api';
  readonly payload: Readonly<Record<string, unknown>>;
}

/** Slack's words for a failed delivery, as its clients show them. */
export type DeliveryError = 'operation_timeout' | 'dispatch_failed' | 'http_service_error';

export type Acknowledgement =
  | { readonly acked: true; readonly body: Readonly<Record<string, unknown>> }
  | { readonly acked: false; readonly error: DeliveryError };

/** One of the two ways Slack reaches an app. */
export interface Delivery {
  /** Settles when the app acknowledged or Slack gave up; never rejects. */
  deliver(envelope: Envelope): Promise<Acknowledgement>;
  /** Ends connections and settles what is under way. */
  close(): void;
}
