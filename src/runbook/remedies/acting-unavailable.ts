/** No connection to act over, or it was lost. Its message is for the operator: what happened and how to mend it. */
export class PrivilegedUnavailable extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ActingUnavailable';
  }
}
