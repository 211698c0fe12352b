/** What the gateway made of a batch. */
export interface Sent {
  /** Events taken in; those that it knew already, by id, among them. */
  readonly accepted: number;
  /** Rows that went to the dead letters. */
  readonly setAside: number;
}

/** A way into a gateway. Several batches may be under way at once. */
export interface Sender {
  /**
   * Resolves once the batch is on the gateway's disk; what is invalid in it is set aside.
   * @param events NDJSON, at most 1,000 lines and 10 MB
   * @throws TryAgain when it was not taken in and may be sent again; any other error ends the load
   */
  send(events: string): Promise<Sent>;
  close(): Promise<void>;
}
