/** However badly it goes. */
const LEAST = 2;
/** What is left of the limit after a call that says that there are too many. */
const DECREASE = 0.7;

/**
 * Calls of one service that are in flight at once: at most so many, and fewer while it cannot take them (additive
 * increase, multiplicative decrease, as TCP does; Chiu and Jain 1989). Failures that tell of too much work are the only
 * sign: answers of one service differ too much in size for their time to tell anything. The rest wait in line.
 */
export class Slots {
  #limit: number;
  #inFlight = 0;
  /** Counts decreases: of the calls that were in flight together, one is enough. */
  #generation = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(readonly most: number) {
    this.#limit = most;
  }

  get limit(): number {
    return Math.floor(this.#limit);
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** @param isOverload whether an error says that the service has too much to do */
  async run<T>(work: () => Promise<T>, isOverload: (error: unknown) => boolean): Promise<T> {
    if (this.#inFlight >= this.limit) await new Promise<void>((go) => void this.#waiting.push(go));
    else this.#inFlight += 1;
    const generation = this.#generation;
    try {
      const result = await work();
      this.#limit = Math.min(this.most, this.#limit + 1 / this.#limit);
      return result;
    } catch (error) {
      if (isOverload(error) && generation === this.#generation) {
        this.#generation += 1;
        this.#limit = Math.max(Math.min(LEAST, this.most), this.#limit * DECREASE);
      }
      throw error;
    } finally {
      this.#leave();
    }
  }

  /** Its place goes to whoever waits longest, as far as the limit allows. */
  #leave(): void {
    this.#inFlight -= 1;
    while (this.#inFlight < this.limit) {
      const next = this.#waiting.shift();
      if (!next) return;
      this.#inFlight += 1;
      next();
    }
  }
}
