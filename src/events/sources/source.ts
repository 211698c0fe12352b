import type { Logger } from "../../ops/logs.js";
import type { Intake } from "../intake.js";
import type { Shape } from "../shapes/index.js";

/** A place that events come from by themselves. It keeps trying whatever happens, until it is stopped. */
export interface EventSource {
  readonly name: string;
  start(): void;
  /** Takes nothing further; resolves within seconds, also when the other side no longer answers. */
  stop(): Promise<void>;
  status(): SourceStatus;
}

/** `waiting`: connected, but there is nothing to listen to yet or the intake has no room. */
export type SourceState = "connecting" | "running" | "waiting" | "stopped";

export interface SourceStatus {
  readonly state: SourceState;
  /** Messages that wait at the other side, as last heard; null: not known. */
  readonly lag: number | null;
  /** What it is doing or what went wrong last, for people to read. Never with a password. */
  readonly detail: string;
}

/** What sources tell about themselves; lags are read by `lags`. */
export interface SourceMetrics {
  /** `taken`: safely on disk; `dropped`: could neither be taken in nor asked for again; `unpublished`: a dead letter that is kept here alone. */
  sourceMessages(source: string, outcome: "taken" | "dropped" | "unpublished", messages: number): void;
  sourceRestarted(source: string): void;
}

/** What every source needs. */
export interface SourceOptions {
  readonly tenant: string;
  readonly shape: Shape;
  readonly intake: Pick<Intake, "accept">;
  readonly metrics: SourceMetrics;
  readonly log: Logger;
}

/** Sum of what is known; null when nothing is. */
export function totalLag(lags: ReadonlyMap<string, number>): number | null {
  let total: number | null = null;
  for (const lag of lags.values()) total = (total ?? 0) + lag;
  return total;
}
