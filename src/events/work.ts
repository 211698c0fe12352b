import type { Write } from "../db/index.js";

/** What durable work gets from whoever runs it: a lease, a place to note how far it got, and an end that commits. */
export interface Work<Payload, Progress> {
  /** `progress`: what an earlier attempt noted last, to resume from. */
  readonly job: { readonly id: string; readonly payload: Payload; readonly progress: Progress | null };
  readonly signal: AbortSignal;
  /** Notes how far it got; what `write` does commits together with it. */
  progress(value: Progress, write?: Write): Promise<void>;
  /** Ends the work; what `write` does commits together with it, exactly once. */
  finish(result: unknown, write?: Write): Promise<void>;
}
