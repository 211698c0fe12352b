import { setTimeout as sleep } from "node:timers/promises";
import type { Metrics } from "../ops/metrics.js";
import { currentCorrelationId, currentDeadline } from "../ops/on-behalf.js";
import { Budget } from "./budget.js";
import { ImpatientRequest, type ServiceName, UpstreamError, UpstreamRefusal } from "./errors.js";
import { type Answer, type Exchange, NOBODY_LISTENS, Superseded } from "./exchange.js";
import { type BreakerState, Instance, Instances } from "./instance.js";
import { Latencies } from "./latencies.js";
import { Slots } from "./slots.js";

export type { Answer } from "./exchange.js";
export type { BreakerState } from "./instance.js";

export interface ServiceOptions {
  readonly name: ServiceName;
  /** One or several that serve the same. */
  readonly baseUrls: readonly string[];
  /** Sent as `X-API-Key` when set. */
  readonly apiKey?: string | undefined;
  /** Deadline of one call, answer's last byte included. */
  readonly timeoutMs: number;
  /** Calls in flight at once, at most; the rest wait their turn. */
  readonly concurrency: number;
  /** Largest answer accepted. */
  readonly maxBytes: number;
  /** How long an address stays left alone before one call tries it. */
  readonly breakerWindowMs: number;
}

/** One upstream service: typed nowhere, bounded everywhere (deadline, size, concurrency, one retry, breaker). */
export interface Service {
  readonly name: ServiceName;
  get(path: string): Promise<Answer>;
  /** A write: sent once, whatever happens. */
  send(
    method: "POST" | "PUT" | "DELETE",
    path: string,
    body: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer>;
  breaker(): BreakerState;
  close(): Promise<void>;
}

/** Tells an upstream service, as clients tell the gateway, for how many milliseconds an answer is waited for. */
export const DEADLINE_HEADER = "x-request-timeout-ms";
const RETRIES = { share: 0.1, burst: 10 };
const HEDGES = { share: 0.05, burst: 10 };
/** Not worth a second call, however much faster the others were. */
const QUICK_MS = 10;

export function createService(options: ServiceOptions, metrics: Metrics): Service {
  const service = new BoundedService(options, metrics);
  metrics.watchBreaker(options.name, () => service.breaker());
  return service;
}

class BoundedService implements Service {
  readonly #instances: Instances;
  readonly #slots: Slots;
  readonly #retries = new Budget(RETRIES.share, RETRIES.burst);
  readonly #hedges = new Budget(HEDGES.share, HEDGES.burst);
  readonly #latencies = new Latencies();

  constructor(
    readonly options: ServiceOptions,
    readonly metrics: Metrics,
  ) {
    const { baseUrls, concurrency: connections, breakerWindowMs } = options;
    this.#instances = new Instances(baseUrls.map((url) => new Instance(url, { connections, breakerWindowMs })));
    this.#slots = new Slots(options.concurrency);
  }

  get name(): ServiceName {
    return this.options.name;
  }

  async get(path: string): Promise<Answer> {
    this.#retries.earn();
    this.#hedges.earn();
    const tried: Instance[] = [];
    try {
      return await this.#counted(() => this.#hedged(path, tried));
    } catch (error) {
      if (!(error instanceof UpstreamError && error.retryable)) throw error;
      const other = this.#instances.pick(tried[0]);
      // Where nobody listens nobody is burdened: asking elsewhere costs no budget and needs no pause.
      const isFailover = error.reason === NOBODY_LISTENS && other !== tried[0];
      const pause = isFailover ? 0 : 20 + Math.random() * 80;
      const isInTime = (currentDeadline()?.left ?? Number.POSITIVE_INFINITY) > pause;
      if (!isInTime || !(isFailover || this.#retries.spend())) throw error;
      if (pause > 0) await sleep(pause);
      return this.#counted(() => other.call(this.#exchange("GET", path)));
    }
  }

  send(
    method: "POST" | "PUT" | "DELETE",
    path: string,
    body: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    return this.#counted(() => this.#instances.pick().call(this.#exchange(method, path, body, headers)));
  }

  breaker(): BreakerState {
    return this.#instances.state;
  }

  close(): Promise<void> {
    return this.#instances.close();
  }

  /** In a slot, so that calls which wait in line while addresses become left alone fail at once, not one by one. */
  async #counted(work: () => Promise<Answer>): Promise<Answer> {
    const started = performance.now();
    let outcome = "error";
    try {
      const answer = await this.#slots.run(work, isOverload);
      outcome = String(answer.status);
      return answer;
    } catch (error) {
      outcome = outcomeOf(error);
      throw error;
    } finally {
      this.metrics.upstreamCall(this.name, outcome, (performance.now() - started) / 1000);
    }
  }

  /**
   * A read that takes longer than 95 of 100 is asked of another address as well, within a budget; whichever answers
   * first counts (Dean and Barroso, The Tail at Scale, 2013).
   * @param tried where the addresses asked are told
   */
  async #hedged(path: string, tried: Instance[]): Promise<Answer> {
    const first = this.#instances.pick();
    tried.push(first);
    const { p95 } = this.#latencies;
    const started = performance.now();
    const timed = (answer: Answer): Answer => {
      this.#latencies.add(performance.now() - started);
      return answer;
    };
    if (this.#instances.all.length === 1 || p95 === null) return first.call(this.#exchange("GET", path)).then(timed);
    const rest = new AbortController();
    const one = (instance: Instance): Promise<Answer> =>
      instance.call(this.#exchange("GET", path, undefined, {}, rest.signal)).then(timed);
    const running = one(first);
    const isLate = await Promise.race([running.then(settled, settled), sleep(Math.max(p95, QUICK_MS), true)]);
    if (!isLate) return running;
    const second = this.#instances.pick(first);
    if (second.state !== "closed" || !this.#hedges.spend()) return running;
    try {
      return await firstOf(running, one(second));
    } finally {
      rest.abort(new Superseded());
    }
  }

  #exchange(
    method: Exchange["method"],
    path: string,
    body?: unknown,
    extraHeaders: Record<string, string> = {},
    abort?: AbortSignal,
  ): Exchange {
    const { name: service, apiKey, maxBytes } = this.options;
    const deadline = currentDeadline();
    const timeoutMs = Math.min(this.options.timeoutMs, deadline?.left ?? Number.POSITIVE_INFINITY);
    if (timeoutMs <= 0) throw new ImpatientRequest(service);
    const correlationId = currentCorrelationId();
    const timeout = AbortSignal.timeout(this.options.timeoutMs);
    const others = [deadline?.signal, abort].filter((signal) => signal !== undefined);
    return {
      service,
      method,
      path,
      maxBytes,
      headers: {
        accept: "application/json",
        ...extraHeaders,
        ...(apiKey && { "x-api-key": apiKey }),
        ...(correlationId && { "x-correlation-id": correlationId }),
        ...(deadline && { [DEADLINE_HEADER]: String(Math.floor(timeoutMs)) }),
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: others.length > 0 ? AbortSignal.any([timeout, ...others]) : timeout,
    };
  }
}

const settled = (): false => false;

/** The first good answer; when both fail, the first call's failure. */
function firstOf<T>(first: Promise<T>, second: Promise<T>): Promise<T> {
  return Promise.any([first, second]).catch(() => first);
}

/** Too much to do, or nobody there to do it. */
function isOverload(error: unknown): boolean {
  if (!(error instanceof UpstreamError) || error instanceof ImpatientRequest) return false;
  return error.code === "UPSTREAM_TIMEOUT" || error.retryable;
}

function outcomeOf(error: unknown): string {
  if (error instanceof UpstreamRefusal) return String(error.status);
  if (!(error instanceof UpstreamError)) return "error";
  if (error.reason === "circuit open") return "circuit_open";
  return error.code === "UPSTREAM_TIMEOUT" ? "timeout" : error.reason;
}
