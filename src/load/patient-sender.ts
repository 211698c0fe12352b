import { setTimeout as sleep } from "node:timers/promises";
import { LoadFailed, TryAgain } from "./errors.js";
import type { Sender, Sent } from "./sender.js";

export interface PatienceOptions {
  /** Once aborted, nothing is tried again. */
  readonly stop: AbortSignal;
  /** Told why the load has to wait. */
  readonly onWait: (message: string) => void;
  readonly random?: () => number;
  readonly now?: () => number;
  readonly wait?: (milliseconds: number, stop: AbortSignal) => Promise<void>;
}

/** Without any success for so long, it gives up. */
const PATIENCE_MS = 300_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;

/** Sends again what was not taken in, waiting longer each time, and at least as long as the gateway asks for. */
export class PatientSender implements Sender {
  readonly #now: () => number;
  #lastSuccess: number;

  constructor(
    readonly sender: Sender,
    readonly options: PatienceOptions,
  ) {
    this.#now = options.now ?? (() => performance.now());
    this.#lastSuccess = this.#now();
  }

  async send(events: string): Promise<Sent> {
    const { stop, onWait, random = Math.random, wait = waitFor } = this.options;
    for (let tries = 0; ; tries++) {
      try {
        const sent = await this.sender.send(events);
        this.#lastSuccess = this.#now();
        return sent;
      } catch (error) {
        if (!(error instanceof TryAgain)) throw error;
        if (stop.aborted || this.#now() - this.#lastSuccess > PATIENCE_MS) {
          throw new LoadFailed(error.message, { cause: error });
        }
        const backoff = Math.min(FIRST_WAIT_MS * 2 ** tries, LONGEST_WAIT_MS) * (0.5 + random() / 2);
        const pause = Math.max(backoff, Math.min(error.afterMs ?? 0, PATIENCE_MS));
        onWait(`${error.message}; trying again in ${(pause / 1000).toFixed(1)} s`);
        await wait(pause, stop);
        if (stop.aborted) throw new LoadFailed(error.message, { cause: error });
      }
    }
  }

  close(): Promise<void> {
    return this.sender.close();
  }
}

async function waitFor(milliseconds: number, stop: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal: stop }).catch(() => undefined);
}
