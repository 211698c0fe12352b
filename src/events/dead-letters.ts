import type { Clock } from "../base/clock.js";
import { groupBy } from "../base/groups.js";
import type { AuditRecord, DeadLetterFilter, DeadLetters } from "../db/index.js";
import type { EventEngine } from "./engine.js";
import type { DeadLetter } from "./event.js";
import type { Intake } from "./intake.js";
import { type RawMessage, SHAPES, type Shape } from "./shapes/index.js";

export interface Replayed {
  readonly replayed: number;
  readonly failed: number;
}

export interface ReplayOptions {
  readonly engine: Pick<EventEngine, "intake" | "settled">;
  readonly letters: Pick<DeadLetters, "take" | "markReplayed">;
  readonly tenant: string;
  /** Only letters that wait are tried. */
  readonly filter: DeadLetterFilter;
  readonly clock: Clock;
  /** Tells who asked for it; written with each group that is taken in. */
  readonly record: () => AuditRecord;
}

const AT_ONCE = 500;

/**
 * Tries letters again, through the same door and with the same ids: what was stored meanwhile is not doubled. What
 * fails again becomes the same letter with one more attempt.
 */
export async function replayDeadLetters(options: ReplayOptions): Promise<Replayed> {
  const { engine, letters, tenant, filter, clock } = options;
  let [replayed, failed] = [0, 0];
  let after: string | null = null;
  for (;;) {
    const batch: readonly DeadLetter[] = await letters.take(tenant, filter, AT_ONCE, after);
    if (batch.length === 0) break;
    for (const group of groupBy(batch, ({ shape, attempts }) => `${attempts} ${shape}`).values()) {
      const again = new Set(await tryAgain(engine.intake, group));
      const done = group.filter(({ eventId }) => !again.has(eventId)).map(({ id }) => id);
      if (done.length > 0) await letters.markReplayed(tenant, done, clock(), options.record());
      replayed += done.length;
      failed += again.size;
    }
    after = batch.at(-1)?.id ?? null;
  }
  // Those that failed again are told as such when this returns.
  if (failed > 0) await engine.settled();
  return { replayed, failed };
}

/** @returns the ids of events that failed again */
async function tryAgain(intake: Pick<Intake, "accept">, group: readonly DeadLetter[]): Promise<string[]> {
  const [first] = group;
  const shape = first && shapeNamed(first.shape);
  if (!first || !shape) return group.map(({ eventId }) => eventId);
  const { setAside } = await intake.accept({
    tenant: first.tenant,
    shape,
    messages: group.map(messageOf),
    onFault: "set-aside",
    failures: first.attempts,
  });
  return setAside.map(({ eventId }) => eventId);
}

function shapeNamed(name: string): Shape | null {
  return Object.hasOwn(SHAPES, name) ? SHAPES[name as keyof typeof SHAPES] : null;
}

function messageOf(letter: DeadLetter): RawMessage {
  const bytes = Buffer.from(letter.raw, "base64");
  return {
    value: parsed(bytes),
    bytes,
    fallbackId: letter.eventId,
    origin: letter.origin,
    hints: hintsOf(letter.origin),
  };
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
}

/** What the transport knew, as far as the origin tells it. */
function hintsOf(origin: string): RawMessage["hints"] {
  const [source, ...rest] = origin.split(":");
  const place = rest.join(":");
  if (source === "kafka") return { topic: place.split("/").slice(0, -2).join("/") };
  if (source === "redis") return { stream: place.slice(0, place.lastIndexOf("/")) };
  if (source === "pubsub") return { channel: place };
  return undefined;
}
