/** Once a turn of the event loop has taken so long, no more than one request is begun in it. */
const SLICE_MS = 1;
/** How long there may be a queue before it counts as more than a moment's rush. */
const PATIENCE_MS = 1000;

interface Waiting {
  readonly since: number;
  readonly begin: () => void;
  readonly refuse: () => void;
}

/**
 * Where requests wait that come faster than they can be begun. Node would begin all that are there before it looks for new
 * connections, of which it then accepts one: health checks would wait behind everybody else. And once there has been a
 * queue all the time, nobody waits in it for long: what would be answered too late is refused, which takes next to no time,
 * so that nearly all time goes into answers (controlled delay, as in Maurer, Fail at Scale, ACM Queue 13/8, 2015).
 */
export class AdmissionQueue {
  #waiting: Waiting[] = [];
  /** Place of the first who waits. */
  #first = 0;
  /** Since when requests are begun in this turn; null between turns. */
  #turnStart: number | null = null;
  /** When nobody waited last. */
  #emptyAt = Number.NEGATIVE_INFINITY;

  constructor(
    /** Longest wait once there has been a queue for a while. */
    readonly waitMs: number,
    readonly now: () => number = () => performance.now(),
    readonly nextTurn: (work: () => void) => void = (work) => void setImmediate(work),
  ) {}

  /** How many wait. */
  get length(): number {
    return this.#waiting.length - this.#first;
  }

  /** How many are kept, with some that have left the line. */
  get kept(): number {
    return this.#waiting.length;
  }

  enter(begin: () => void, refuse: () => void): void {
    const now = this.now();
    if (this.#turnStart === null) {
      this.#turnStart = now;
      this.nextTurn(this.#work);
    }
    if (this.length === 0) this.#emptyAt = now;
    if (this.length === 0 && now - this.#turnStart < SLICE_MS) begin();
    else this.#waiting.push({ since: now, begin, refuse });
  }

  readonly #work = (): void => {
    let now = this.now();
    // What was begun before and goes on in this turn counts as well.
    const start = this.#turnStart ?? now;
    const longest = now - this.#emptyAt > PATIENCE_MS ? this.waitMs : Math.max(this.waitMs, PATIENCE_MS);
    do {
      const next = this.#shift();
      if (!next) break;
      if (now - next.since > longest) next.refuse();
      else next.begin();
      now = this.now();
    } while (now - start < SLICE_MS);
    if (this.length > 0) {
      this.#turnStart = now;
      this.nextTurn(this.#work);
    } else {
      this.#emptyAt = now;
      this.#turnStart = null;
    }
  };

  #shift(): Waiting | undefined {
    const next = this.#waiting[this.#first];
    if (next) this.#first += 1;
    // Under lasting load the line never ends: those who have left it must not be kept for that.
    if (this.#first * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#first);
      this.#first = 0;
    }
    return next;
  }
}
