/** A service that wakes people, such as PagerDuty. */
export interface Pager {
  /** `PagerDuty`, `the webhook at alerts.example.com`: for sentences. */
  readonly name: string;
  /** Throws PagerRefused when it was not taken, after the retries its protocol allows. Bounded by two minutes. */
  page(page: Page): Promise<void>;
  /** Tells of a change that pages nobody. Does nothing where the service knows no such thing. Throws as `page`. */
  tellChange(change: PagedChange): Promise<void>;
}

export interface Page {
  readonly action: 'trigger' | 'acknowledge' | 'resolve';
  /** One for each incident, so that however often it is told it is one page; at most 255 characters. */
  readonly key: string;
  readonly target: string;
  readonly severity: 'critical' | 'warning' | 'info';
  /** Figures and configured names only; at most 1,024 characters. */
  readonly summary: string;
  /** UTC ISO text. */
  readonly at: string;
  /** Why, in sentences, by the name of each reason; figures and configured names only. */
  readonly details: Readonly<Record<string, string>>;
  readonly links: readonly { readonly title: string; readonly url: string }[];
}

export interface PagedChange {
  readonly target: string;
  readonly summary: string;
  /** UTC ISO text. */
  readonly at: string;
}

/** `message` says what the service answered and what to do; it holds no key. */
export class PagerRefused extends Error {
  /** False where trying again later cannot help, such as with a wrong key. */
  readonly mayPass: boolean;

  constructor(message: string, mayPass: boolean) {
    super(message);
    this.name = 'PagerRefused';
    this.mayPass = mayPass;
  }
}
