const KEPT = 200;
/** Fewer tell nothing of their slowest twentieth. */
const LEAST = 50;
const RENEWED_AFTER = 20;

/** Times of the latest good answers. */
export class Latencies {
  readonly #times: number[] = [];
  #count = 0;
  #p95: number | null = null;

  /** Milliseconds that 95 of 100 answers took at most (nearest rank); null while too few are known. */
  get p95(): number | null {
    return this.#p95;
  }

  add(milliseconds: number): void {
    this.#times[this.#count++ % KEPT] = milliseconds;
    if (this.#count < LEAST || this.#count % RENEWED_AFTER !== 0) return;
    const sorted = [...this.#times].sort((a, b) => a - b);
    this.#p95 = sorted[Math.ceil(sorted.length * 0.95) - 1] ?? null;
  }
}
