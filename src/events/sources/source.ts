import type { Logger } from "../../ops/logs.js";
import type { Intake } from "../intake.js";
import type { Shape } from "../shapes/index.js";
import type { Delivery } from "./delivery.js";
import type { Supervisor } from "./supervise.js";

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

/** Where a source stands with the other side. */
export interface Stage {
  readonly state: Exclude<SourceState, "stopped">;
  readonly detail: string;
}

/** What to say of a source: what hinders it most comes first. */
export function statusOf(
  supervisor: Pick<Supervisor, "isStarted" | "failure">,
  delivery: Pick<Delivery, "refusal">,
  { state, detail }: Stage,
  lag: number | null,
): SourceStatus {
  if (!supervisor.isStarted) return { state: "stopped", lag, detail: "stopped" };
  if (delivery.refusal !== null) return { state: "waiting", lag, detail: delivery.refusal };
  return { state, lag, detail: (state === "connecting" ? supervisor.failure : null) ?? detail };
}

/** JSON as a value; undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
