/** One metrics address as dbconn.yml gives it. */
export interface PoolEndpoint {
  readonly service: string;
  readonly url: string;
  /** Such as an Authorization header. Sent, never shown. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A name of `presets`; without one all are tried in turn. */
  readonly preset?: string;
  /** Series per figure, such as `{ checkedOut: 'db_connections{state="checked_out"}' }`; they beat the preset. */
  readonly names?: Readonly<Record<string, string>>;
  /** For metrics that lack them: most exporters do not publish max_overflow. */
  readonly poolSize?: number;
  readonly maxOverflow?: number;
}
