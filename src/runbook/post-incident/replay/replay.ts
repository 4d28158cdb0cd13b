/** What today's dbconn would say and do otherwise. `sealed` is what the bundle has, `today` what follows now: figures, configured names and Slack ids only. */
export interface Difference {
  readonly what:
    | 'state'
    | 'cause'
    /** Of the same cause, by more than a tenth. */
    | 'confidence'
    /** The option that is proposed first, and what for. */
    | 'proposal'
    | 'finding-appeared'
    | 'finding-gone'
    /** The plan is not the one its votes were for. */
    | 'plan-hash'
    | 'proposer'
    | 'votes-needed'
    /** A vote that would not count today. */
    | 'vote'
    /** A vote that would come too late today, or a proposal that would not have expired. */
    | 'expiry'
    | 'break-glass'
    /** It cannot be judged by this dbconn. */
    | 'unreadable';
  readonly sealed: string | number | null;
  readonly today: string | number | null;
}

interface ReplayedLine {
  /** Of the bundle. */
  readonly line: number;
  readonly at: string;
  readonly differences: readonly Difference[];
}

export interface ReplayedCheck extends ReplayedLine {
  /** Why it was kept: `first`, `cause`, `before:` and `after:` with a request's id, `end`. */
  readonly why: string;
  /** Its lists were cut when it was kept: that it leads to something else proves nothing, and is not counted. */
  readonly truncated: boolean;
}

export interface ReplayedRequest extends ReplayedLine {
  readonly id: string;
}

/** What a bundle comes to under today's rules. */
export interface Replay {
  readonly incident: string;
  readonly target: string;
  /** The dbconn that sealed it. */
  readonly sealedBy: string;
  readonly sealedAt: string;
  readonly head: string;
  /** `today` for the configuration's rules, `sealed` where there is none and the bundle's own were taken. */
  readonly policy: 'today' | 'sealed';
  readonly examinations: readonly ReplayedCheck[];
  readonly requests: readonly ReplayedRequest[];
  /** Why the journal it was sealed from was not as it was written; null for a whole one. */
  readonly journalProblem: string | null;
  readonly leftOut: { readonly examinations: number; readonly entries: number };
  /** How many looks and requests count; where none does, nothing is proved. */
  readonly judged: number;
  /** Something counts, and nothing of it differs. */
  readonly same: boolean;
}
