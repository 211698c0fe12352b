import { AsyncLocalStorage } from "node:async_hooks";

/** The request that work is done for. */
export interface OnBehalf {
  readonly correlationId: string;
  /** Until when the client waits; null: it does not say. */
  readonly deadline: Deadline | null;
}

const requests = new AsyncLocalStorage<OnBehalf>();

/** Runs `work` on behalf of a request: its correlation id goes into every log line and every upstream call. */
export function onBehalf<T>(request: OnBehalf, work: () => T): T {
  return requests.run(request, work);
}

export function currentCorrelationId(): string | undefined {
  return requests.getStore()?.correlationId;
}

export function currentDeadline(): Deadline | null {
  return requests.getStore()?.deadline ?? null;
}

/** Runs `work` for all who may come: the client that happened to start it may leave without it. */
export function withoutDeadline<T>(work: () => T): T {
  const request = requests.getStore();
  return request?.deadline ? requests.run({ ...request, deadline: null }, work) : work();
}

export class DeadlinePassed extends Error {
  override message = "the request's deadline has passed";
}

/** The moment after which nobody waits any longer. */
export class Deadline {
  /** Epoch milliseconds. */
  readonly at: number;
  #signal: AbortSignal | undefined;

  constructor(milliseconds: number) {
    this.at = Date.now() + milliseconds;
  }

  /** Milliseconds that are left; 0 when it has passed. */
  get left(): number {
    return Math.max(0, this.at - Date.now());
  }

  /** Aborts with DeadlinePassed. */
  get signal(): AbortSignal {
    if (!this.#signal) {
      const controller = new AbortController();
      setTimeout(() => controller.abort(new DeadlinePassed()), this.left).unref();
      this.#signal = controller.signal;
    }
    return this.#signal;
  }

  /** What `work` comes to, unless the deadline comes first. @throws DeadlinePassed */
  race<T>(work: Promise<T>): Promise<T> {
    const { signal } = this;
    return new Promise((resolve, reject) => {
      const pass = (): void => reject(signal.reason);
      if (signal.aborted) pass();
      signal.addEventListener("abort", pass, { once: true });
      work.then(resolve, reject).finally(() => signal.removeEventListener("abort", pass));
    });
  }
}
