import { FixedBuffer, Repeater } from "@repeaterjs/repeater";
import type { StoredEvent } from "./event.js";

/** Events that may wait for one subscriber. */
const MOST_WAITING = 1000;

/** Events came faster than somebody read them. */
export class SlowReader extends Error {
  override name = "SlowReader";
}

/**
 * Hands events on to whoever listens, as soon as they are safely on disk: those that this process has taken in, from the
 * moment of subscribing on, each at most once.
 */
export class LiveEvents {
  readonly #listeners = new Set<(events: readonly StoredEvent[]) => void>();

  get subscribers(): number {
    return this.#listeners.size;
  }

  publish(events: readonly StoredEvent[]): void {
    for (const listener of this.#listeners) listener(events);
  }

  /**
   * Ends when its reader returns.
   * @param accepts which events, in the order they were taken in
   * @throws SlowReader to a reader that does not keep up: nothing is left out in silence
   */
  subscribe(accepts: (event: StoredEvent) => boolean): AsyncIterableIterator<StoredEvent> {
    return new Repeater<StoredEvent>(async (push, stop) => {
      const listener = (events: readonly StoredEvent[]): void => {
        try {
          for (const event of events) if (accepts(event)) push(event).catch(() => undefined);
        } catch (cause) {
          this.#listeners.delete(listener);
          stop(new SlowReader("Events came faster than they were read", { cause }));
        }
      };
      this.#listeners.add(listener);
      await stop;
      this.#listeners.delete(listener);
    }, new FixedBuffer(MOST_WAITING));
  }
}
