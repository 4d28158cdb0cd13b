/** The journal could not write or read. Its message is for the operator: what happened and how to mend it. */
export class JournalUnavailable extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'JournalUnavailable';
  }
}
