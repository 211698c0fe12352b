import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Metrics } from "../ops/metrics.js";
import { errorBody } from "./errors.js";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Answered however busy the gateway is: whether it lives, and signing in. Those without an audit trail are as well. */
    isVital?: boolean;
  }
}

export interface SheddingOptions {
  /** Longest turn of the event loop that is put up with for more than a moment. */
  readonly turnMs: number;
  /** Requests that are being answered at once. */
  readonly maxInFlight: number;
}

/** How long turns have to be too long before anybody is refused: starting up and single large answers take long as well. */
const PATIENCE_MS = 1000;

/**
 * Tells when there is more to do than can be done. Requests that are there at the same time are answered in one turn of
 * the event loop: once turns have been too long for a while, what a turn cannot answer in time is refused, and each turn
 * is as long as it may be. So nearly all time goes into answers, however many ask (as CoDel does for queues: Nichols and
 * Jacobson, Controlling Queue Delay, 2012).
 */
export class Overload {
  /** Since when this turn has been answering; null between turns. */
  #turnStart: number | null = null;
  #turnEnd = 0;
  /** Since when each turn has been too long. */
  #longSince: number | null = null;

  constructor(
    readonly turnMs: number,
    readonly now: () => number = () => performance.now(),
    readonly afterTurn: (work: () => void) => void = (work) => void setImmediate(work),
  ) {}

  /** Whether the request that comes in now cannot be answered in time. */
  refuses(): boolean {
    const now = this.now();
    if (this.#turnStart === null) {
      this.#turnStart = now;
      // Nothing to do for so long: whatever was before is over.
      if (now - this.#turnEnd > this.turnMs) this.#longSince = null;
      this.afterTurn(() => this.#endTurn());
    }
    if (this.#longSince === null || now - this.#longSince < PATIENCE_MS) return false;
    return now - this.#turnStart >= this.turnMs;
  }

  #endTurn(): void {
    const now = this.now();
    const took = now - (this.#turnStart ?? now);
    if (took < this.turnMs / 2) this.#longSince = null;
    else if (took >= this.turnMs) this.#longSince ??= now - took;
    this.#turnStart = null;
    this.#turnEnd = now;
  }
}

const BODY = JSON.stringify(errorBody("SERVICE_UNAVAILABLE", "Too much to do at the moment; try again shortly"));

/** Refuses what cannot be answered in time, at once and at next to no cost. */
export function registerShedding(server: FastifyInstance, options: SheddingOptions, metrics: Metrics): void {
  const overload = new Overload(options.turnMs);
  let inFlight = 0;
  let refused = 0;
  metrics.watchGauge("crowsnest_requests_in_flight", "Requests that are being answered", () => inFlight);
  metrics.watchGauge("crowsnest_requests_shed", "Requests refused since the start for want of time", () => refused);
  server.addHook("onRequest", (request, reply, done) => {
    inFlight += 1;
    const isTooMuch = overload.refuses() || inFlight > options.maxInFlight;
    if (!isTooMuch || isVital(request)) return done();
    refused += 1;
    refuse(request, reply);
  });
  server.addHook("onResponse", (_request, _reply, done) => {
    inFlight -= 1;
    done();
  });
}

function isVital({ routeOptions: { config, url }, headers }: FastifyRequest): boolean {
  if (config.audit === false || config.isVital) return true;
  // Who is not signed in can do little but sign in, and is limited by address.
  return url === "/graphql" && headers.authorization === undefined;
}

function refuse(request: FastifyRequest, reply: FastifyReply): void {
  // Nobody has been told anything that the trail would have to know of.
  request.isAudited = true;
  request.told = { operation: "refused" };
  reply
    .code(503)
    .header("x-correlation-id", request.id)
    .header("retry-after", 1 + Math.floor(Math.random() * 3))
    .header("content-type", "application/json; charset=utf-8")
    .send(BODY);
}
