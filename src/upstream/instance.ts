import {
  BrokenCircuitError,
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleWhen,
} from "cockatiel";
import { Pool } from "undici";
import { ImpatientRequest, UpstreamError } from "./errors.js";
import { type Answer, type Exchange, exchange } from "./exchange.js";

export type BreakerState = "closed" | "open" | "half-open";

const FAILURES_TO_OPEN = 5;

/** One address of a service, left alone for a while when it keeps failing. */
export class Instance {
  readonly #pool: Pool;
  readonly #prefix: string;
  readonly #breaker: CircuitBreakerPolicy;
  #openedAt = 0;

  constructor(
    baseUrl: string,
    readonly settings: { readonly connections: number; readonly breakerWindowMs: number },
  ) {
    const base = new URL(baseUrl);
    this.#pool = new Pool(base.origin, { connections: settings.connections, pipelining: 1, allowH2: false });
    this.#prefix = base.pathname.replace(/\/$/, "");
    this.#breaker = circuitBreaker(
      handleWhen((error) => error instanceof UpstreamError && !(error instanceof ImpatientRequest)),
      { halfOpenAfter: settings.breakerWindowMs, breaker: new ConsecutiveBreaker(FAILURES_TO_OPEN) },
    );
    this.#breaker.onBreak(() => {
      this.#openedAt = performance.now();
    });
  }

  get state(): BreakerState {
    if (this.#breaker.state === CircuitState.Closed) return "closed";
    return this.#breaker.state === CircuitState.HalfOpen ? "half-open" : "open";
  }

  /** Left alone for long enough to be called once more. */
  get isDue(): boolean {
    return this.state === "open" && performance.now() - this.#openedAt >= this.settings.breakerWindowMs;
  }

  /** @throws UpstreamError or UpstreamRefusal */
  async call(call: Exchange): Promise<Answer> {
    try {
      return await this.#breaker.execute(() => exchange(this.#pool, { ...call, path: this.#prefix + call.path }));
    } catch (error) {
      if (!(error instanceof BrokenCircuitError)) throw error;
      throw new UpstreamError("UPSTREAM_UNAVAILABLE", call.service, "circuit open", false, { cause: error });
    }
  }

  // Not close(): that would wait for a service that hangs.
  close(): Promise<void> {
    return this.#pool.destroy();
  }
}

/** The addresses of one service, in turn; those that keep failing only when there is no other (outlier ejection). */
export class Instances {
  #turn = 0;

  constructor(readonly all: readonly Instance[]) {}

  /** @param except the one that has just been asked, where there is another: that is nobody's turn */
  pick(except?: Instance): Instance {
    const others = this.all.filter((instance) => instance !== except);
    const candidates = others.length > 0 ? others : this.all;
    const due = candidates.find(({ isDue }) => isDue);
    const sound = candidates.filter(({ state }) => state === "closed");
    const eligible = due ? [due] : sound.length > 0 ? sound : candidates;
    if (!except) this.#turn += 1;
    return eligible[this.#turn % eligible.length] as Instance;
  }

  get state(): BreakerState {
    const states = this.all.map(({ state }) => state);
    return states.find((state) => state === "closed") ?? states.find((state) => state === "half-open") ?? "open";
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map((instance) => instance.close()));
  }
}
