import type { StoredJob, Write } from "../db/index.js";

/** A job as its handler sees it. Payload and progress are JSON that this program wrote itself. */
export interface Job<Payload = unknown, Progress = unknown> extends StoredJob {
  readonly payload: Payload;
  readonly progress: Progress | null;
}

/** One run of a job, in the hands of its handler. */
export interface JobRun<Payload = unknown, Progress = unknown> {
  /** As it was claimed: `progress` is what an earlier attempt saved last, to resume from. */
  readonly job: Job<Payload, Progress>;
  /** Aborted when the job was cancelled or lost to another process, and when this process wants to end. */
  readonly signal: AbortSignal;
  /**
   * Saves how far it got; what `write` does commits together with it.
   * @throws LeaseLost when another process has the job: nothing was saved
   */
  progress(value: Progress, write?: Write): Promise<void>;
  /**
   * Renews the lease now. It is renewed by itself as well, but not while the handler keeps the event loop busy.
   * @throws LeaseLost
   */
  extend(): Promise<void>;
  /**
   * Ends the job with this result; what `write` does commits together with it, and so happens exactly once. What the
   * handler returns afterwards is left aside.
   * @throws LeaseLost when another process has the job: nothing was written
   */
  finish(result: unknown, write?: Write): Promise<void>;
}

/**
 * Does the work. What it returns is kept as the job's result, as JSON. A handler may be run again from the start at
 * any moment, so its effects either commit with `progress` or `finish`, or can be repeated without harm.
 */
export type Handler<Payload = unknown, Progress = unknown> = (run: JobRun<Payload, Progress>) => Promise<unknown>;

/** The job was cancelled, or another process took it over after this one's lease had run out. */
export class LeaseLost extends Error {
  override name = "LeaseLost";
}

/** Thrown by a handler that would fail in the same way however often it were tried. */
export class NoRetry extends Error {
  override name = "NoRetry";
}
