import type { DeadLetter } from "../../src/events/event.js";
import type { Batch, Receipt } from "../../src/events/intake.js";
import { isRefused, type RawMessage, type Shape } from "../../src/events/shapes/index.js";

/** JSON objects with a `type`, and nothing else. */
export const testShape: Shape = {
  name: "test",
  read({ value }) {
    if (value === undefined) return { kind: "json_decode", faults: [fault("no JSON")], eventType: null };
    const data = typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
    if (typeof data.type === "string") return { type: data.type, id: null, data };
    return { kind: "missing_event_type", faults: [fault("type is missing")], eventType: null };
  },
};

function fault(message: string) {
  return { path: ["type"], message, type: "missing" };
}

/** Remembers what it took in, in order; can be made to refuse, to hang or to break. */
export class RecordingIntake {
  readonly batches: (readonly RawMessage[])[] = [];
  readonly shapes = new Set<Shape>();
  /** Runs before a batch is taken in; throws to refuse it. */
  before: (messages: readonly RawMessage[]) => Promise<void> = async () => undefined;
  /** Runs after: what it waits for keeps the source from knowing that the batch is safe. */
  after: () => Promise<void> = async () => undefined;

  get messages(): RawMessage[] {
    return this.batches.flat();
  }

  get ids(): (string | null)[] {
    return this.messages.map(({ fallbackId }) => fallbackId);
  }

  /** A field of each message. */
  values(field: string): unknown[] {
    return this.messages.map(({ value }) => (value as Record<string, unknown> | undefined)?.[field]);
  }

  async accept({ messages, shape, tenant }: Batch): Promise<Receipt> {
    await this.before(messages);
    this.batches.push(messages);
    this.shapes.add(shape);
    await this.after();
    const setAside = messages.flatMap((raw) => letterOf(raw, shape, tenant));
    return { accepted: messages.length - setAside.length, setAside, repeated: false };
  }
}

function letterOf(raw: RawMessage, shape: Shape, tenant: string): DeadLetter[] {
  const read = shape.read(raw);
  if (!isRefused(read)) return [];
  const { kind, faults, eventType } = read;
  const { origin, fallbackId } = raw;
  const error = faults.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ");
  const id = fallbackId ?? origin;
  const text = Buffer.from(raw.bytes ?? Buffer.from(raw.text ?? "")).toString("base64");
  const failedAt = Date.UTC(2026, 0, 1);
  return [
    {
      id,
      tenant,
      kind,
      error,
      faults,
      eventType,
      origin,
      shape: shape.name,
      eventId: id,
      raw: text,
      attempts: 1,
      failedAt,
    },
  ];
}

/** Counts what sources tell about themselves. */
export function countingMetrics() {
  const counts: Record<string, number> = {};
  const add = (name: string, count: number) => {
    counts[name] = (counts[name] ?? 0) + count;
  };
  return {
    counts,
    sourceMessages: (source: string, outcome: string, messages: number) => add(`${source} ${outcome}`, messages),
    sourceRestarted: (source: string) => add(`${source} restarted`, 1),
  };
}

/** A promise and the function that resolves it. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}
