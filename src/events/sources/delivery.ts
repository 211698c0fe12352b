import { SECOND } from "../../base/clock.js";
import { SpoolRefused } from "../../spool/index.js";
import type { DeadLetter } from "../event.js";
import type { RawMessage } from "../shapes/index.js";
import type { SourceOptions } from "./source.js";
import { pause, reasonOf } from "./supervise.js";

export interface DeliveryOptions extends SourceOptions {
  readonly name: string;
  /** Wait after the first refusal; grows to `maxWaitMs`. */
  readonly firstWaitMs?: number | undefined;
  readonly maxWaitMs?: number | undefined;
}

/** Called now and then while something lasts. May throw, which ends the waiting. */
export type Beat = () => Promise<void>;

const BEAT_MS = SECOND;

/**
 * Hands messages to the intake until it takes them. While the intake has no room the caller waits here, so that it asks
 * the other side for nothing more.
 */
export class Delivery {
  #refusal: string | null = null;

  constructor(readonly options: DeliveryOptions) {}

  /** Why nothing is taken in at the moment; null when all is well. */
  get refusal(): string | null {
    return this.#refusal;
  }

  /**
   * Resolves once all messages are on disk. Tries once also when the signal is aborted: what has been fetched is at hand.
   * @returns what was set aside; null when the signal ended the waiting: then nothing may be acknowledged
   */
  async take(
    messages: readonly RawMessage[],
    signal: AbortSignal,
    beat: Beat | null = null,
  ): Promise<readonly DeadLetter[] | null> {
    const { name, metrics, log, firstWaitMs = SECOND / 10, maxWaitMs = 5 * SECOND } = this.options;
    try {
      for (let wait = firstWaitMs; ; wait = Math.min(wait * 2, maxWaitMs)) {
        const setAside = await beating(this.#attempt(messages), beat);
        if (setAside !== null) {
          metrics.sourceMessages(name, "taken", messages.length);
          if (this.#refusal !== null) log.info({ source: name }, "events are taken in again");
          return setAside;
        }
        await beating(pause(wait * (0.5 + Math.random() / 2), signal), beat);
        if (signal.aborted) return null;
      }
    } finally {
      this.#refusal = null;
    }
  }

  /** Null when there was no room. */
  async #attempt(messages: readonly RawMessage[]): Promise<readonly DeadLetter[] | null> {
    const { name, log } = this.options;
    try {
      return await this.#accept(messages);
    } catch (error) {
      if (!(error instanceof SpoolRefused)) throw error;
      if (this.#refusal === null) log.warn({ source: name, error: error.message }, "no room for events; waiting");
      this.#refusal = error.message;
      return null;
    }
  }

  async #accept(messages: readonly RawMessage[]): Promise<readonly DeadLetter[]> {
    const { tenant, shape, intake } = this.options;
    try {
      return (await intake.accept({ tenant, shape, messages, onFault: "set-aside" })).setAside;
    } catch (error) {
      if (error instanceof SpoolRefused) throw error;
      return this.#halve(messages, error);
    }
  }

  /**
   * A message that breaks the intake must not hold up those behind it for ever: halving finds it, and it is handed over
   * once more as one that cannot be read, which makes it a dead letter. Where that fails too, it is not the message.
   */
  async #halve(messages: readonly RawMessage[], error: unknown): Promise<readonly DeadLetter[]> {
    const [first] = messages;
    if (!first || (messages.length === 1 && first.value === undefined)) throw error;
    if (messages.length === 1) {
      this.options.log.error({ origin: first.origin, error: reasonOf(error) }, "an event breaks the intake; set aside");
      return this.#accept([{ ...first, value: undefined, text: first.text ?? textOf(first.value) }]);
    }
    const middle = messages.length >> 1;
    const front = await this.#accept(messages.slice(0, middle));
    return [...front, ...(await this.#accept(messages.slice(middle)))];
  }
}

function textOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "";
  } catch (error) {
    return `cannot be written as JSON: ${reasonOf(error)}`;
  }
}

/** The result of `work`, with a beat every second until it is there. */
async function beating<T>(work: Promise<T>, beat: Beat | null): Promise<T> {
  if (!beat) return work;
  // When a beat throws, nobody waits for the work any more.
  work.catch(() => undefined);
  for (;;) {
    let timer: NodeJS.Timeout | undefined;
    const due = new Promise<typeof DUE>((resolve) => {
      timer = setTimeout(resolve, BEAT_MS, DUE);
    });
    try {
      const first = await Promise.race([work, due]);
      if (first !== DUE) return first;
    } finally {
      clearTimeout(timer);
    }
    await beat();
  }
}

const DUE = Symbol("due");
