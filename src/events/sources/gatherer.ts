import { SECOND } from "../../base/clock.js";
import type { Logger } from "../../ops/logs.js";
import type { RawMessage } from "../shapes/index.js";
import type { Delivery } from "./delivery.js";
import { pause, reasonOf } from "./supervise.js";

export interface GathererOptions {
  readonly delivery: Pick<Delivery, "take">;
  /** Messages beyond this are dropped. */
  readonly maxBytes: number;
  readonly onDropped: (messages: number, reason: string) => void;
  readonly log: Logger;
}

/** A message waits so long for others to be taken in with, unless so many have come. */
const GATHER_MS = 5;
const GATHER_MESSAGES = 500;
const AT_ONCE = 2000;
/** What a message takes beside its own text. */
const OVERHEAD_BYTES = 500;
const TRY_AGAIN_MS = SECOND;

/** Takes in messages that come one by one and cannot be asked to wait: a few at a time, in order, from a bounded buffer. */
export class Gatherer {
  readonly #end = new AbortController();
  #waiting: RawMessage[] = [];
  #bytes = 0;
  #timer: NodeJS.Timeout | null = null;
  #taking: Promise<void> | null = null;

  constructor(readonly options: GathererOptions) {}

  /** Messages that are not on disk yet. */
  get waiting(): number {
    return this.#waiting.length;
  }

  add(message: RawMessage): void {
    const bytes = this.#bytes + weight(message);
    if (bytes > this.options.maxBytes || this.#end.signal.aborted) {
      this.options.onDropped(1, "too many messages wait to be taken in");
      return;
    }
    this.#bytes = bytes;
    this.#waiting.push(message);
    if (this.#taking) return;
    if (this.#waiting.length >= GATHER_MESSAGES) this.#take();
    else this.#timer ??= setTimeout(() => this.#take(), GATHER_MS);
  }

  /** Takes in what has come so far; what takes longer than that is dropped. */
  async finish(patienceMs: number): Promise<void> {
    const patience = new AbortController();
    if (this.#waiting.length > 0 && !this.#taking) this.#take();
    await Promise.race([this.#taking, pause(patienceMs, patience.signal)]);
    patience.abort();
    this.#end.abort();
    if (this.#waiting.length > 0) this.options.onDropped(this.#waiting.length, "stopped before they were taken in");
    this.#waiting = [];
    this.#bytes = 0;
  }

  #take(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#taking ??= this.#takeAll().finally(() => {
      this.#taking = null;
    });
  }

  async #takeAll(): Promise<void> {
    const { delivery, log } = this.options;
    const { signal } = this.#end;
    while (this.#waiting.length > 0 && !signal.aborted) {
      const messages = this.#waiting.slice(0, AT_ONCE);
      try {
        if ((await delivery.take(messages, signal)) === null) return;
      } catch (error) {
        log.error({ error: reasonOf(error) }, "messages cannot be taken in; will try again");
        await pause(TRY_AGAIN_MS, signal);
        continue;
      }
      this.#waiting.splice(0, messages.length);
      for (const message of messages) this.#bytes -= weight(message);
    }
  }
}

function weight({ text, bytes }: RawMessage): number {
  return OVERHEAD_BYTES + (text?.length ?? bytes?.length ?? 0);
}
