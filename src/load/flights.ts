import { LoadFailed, messageOf, UsageError } from "./errors.js";
import type { Sender, Sent } from "./sender.js";
import type { Progress } from "./state.js";

/** Batches under way at once. */
const MOST = 4;

interface Flight {
  /** Rows of the file up to the end of this batch. */
  readonly rows: number;
  readonly fraction: number;
  sent: Sent | null;
}

/**
 * Sends batches side by side. They may be acknowledged in any order; what is told of them is how far all have been,
 * without a gap.
 */
export class Flights {
  readonly #inOrder: Flight[] = [];
  readonly #underWay = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | null = null;

  constructor(
    readonly sender: Sender,
    /** Awaited before the batch gives its place to another. */
    readonly onReached: (progress: Progress, fraction: number) => Promise<void>,
    public reached: Progress,
  ) {}

  /** Resolves as soon as the batch is under way. @throws what an earlier batch failed with */
  async launch(events: string, rows: number, fraction: number): Promise<void> {
    while (this.#underWay.size >= MOST) await Promise.race(this.#underWay);
    this.#throwFailure();
    const flight: Flight = { rows, fraction, sent: null };
    this.#inOrder.push(flight);
    const flying = this.#fly(flight, events).finally(() => this.#underWay.delete(flying));
    this.#underWay.add(flying);
  }

  /** Resolves when nothing is under way any more. @throws what a batch failed with */
  async landed(): Promise<void> {
    await Promise.all(this.#underWay);
    this.#throwFailure();
  }

  async #fly(flight: Flight, events: string): Promise<void> {
    try {
      flight.sent = await this.sender.send(events);
      await this.#advance();
    } catch (error) {
      // Whatever goes wrong with sending, a defect apart, is told as what ended the load.
      const isTold = error instanceof UsageError || error instanceof LoadFailed || error instanceof TypeError;
      this.#failure ??= { error: isTold ? error : new LoadFailed(messageOf(error), { cause: error }) };
    }
  }

  async #advance(): Promise<void> {
    let fraction: number | null = null;
    for (let first = this.#inOrder[0]; first?.sent; first = this.#inOrder[0]) {
      this.#inOrder.shift();
      fraction = first.fraction;
      const { accepted, setAside } = this.reached;
      this.reached = {
        rows: first.rows,
        accepted: accepted + first.sent.accepted,
        setAside: setAside + first.sent.setAside,
        isFinished: false,
      };
    }
    if (fraction !== null) await this.onReached(this.reached, fraction);
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error;
  }
}
