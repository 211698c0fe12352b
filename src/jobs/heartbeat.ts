export interface HeartbeatOptions {
  readonly leaseMs: number;
  /** When the lease was asked for, by `performance.now()`. */
  readonly takenAt: number;
  /** Renews the lease for `leaseMs` from now. @returns false when another has it */
  readonly renew: () => Promise<boolean>;
  /** Called once, when the lease is gone or may be gone. */
  readonly onLost: (reason: string) => void;
}

/** Lapses a little before the database lets others have the lease, so that the holder has stopped by then. */
const SAFE_SHARE = 0.9;
const BEATS_PER_LEASE = 3;

/**
 * Keeps a lease for as long as the work under it goes on. Time is counted here from before each request was sent: the
 * database counts from later, so this side never thinks it holds a lease that has run out there.
 */
export class Heartbeat {
  #beat: NodeJS.Timeout;
  #lapse: NodeJS.Timeout;
  #beating = false;
  #ended = false;

  constructor(readonly options: HeartbeatOptions) {
    this.#beat = setInterval(() => void this.#tryBeat(), options.leaseMs / BEATS_PER_LEASE);
    this.#lapse = this.#lapseTimer(options.takenAt);
  }

  /** Renews now. @returns false when another has the lease; it has been reported lost then @throws when it cannot ask */
  async beat(): Promise<boolean> {
    if (this.#ended) return false;
    const sentAt = performance.now();
    const kept = await this.options.renew();
    if (this.#ended) return false;
    if (!kept) {
      this.#lose("another process has taken it, or it was cancelled");
      return false;
    }
    clearTimeout(this.#lapse);
    this.#lapse = this.#lapseTimer(sentAt);
    return true;
  }

  stop(): void {
    this.#ended = true;
    clearInterval(this.#beat);
    clearTimeout(this.#lapse);
  }

  async #tryBeat(): Promise<void> {
    if (this.#beating) return;
    this.#beating = true;
    // A failed beat is made up for by the next one, or the lease lapses.
    await this.beat().catch(() => undefined);
    this.#beating = false;
  }

  #lapseTimer(from: number): NodeJS.Timeout {
    const left = from + this.options.leaseMs * SAFE_SHARE - performance.now();
    return setTimeout(() => this.#lose("it could not be renewed in time"), Math.max(0, left));
  }

  #lose(reason: string): void {
    this.stop();
    this.options.onLost(reason);
  }
}
