/**
 * Extra calls that calls earn: each adds a share of one, so that what is meant to help a struggling service never buries
 * it.
 */
export class Budget {
  #left: number;

  constructor(
    readonly share: number,
    readonly burst: number,
  ) {
    this.#left = burst;
  }

  earn(): void {
    this.#left = Math.min(this.burst, this.#left + this.share);
  }

  /** Whether one may be made; then it has been paid for. */
  spend(): boolean {
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
