import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Metrics } from "../ops/metrics.js";
import { AdmissionQueue } from "./admission.js";
import { errorBody } from "./errors.js";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Answered however busy the gateway is: whether it lives, and signing in. Those without an audit trail are as well. */
    isVital?: boolean;
  }
}

export interface SheddingOptions {
  /** How long a request may wait to be begun, once there is more to do than can be done. */
  readonly waitMs: number;
  /** Requests that are being answered at once. */
  readonly maxInFlight: number;
}

const BODY = JSON.stringify(errorBody("SERVICE_UNAVAILABLE", "Too much to do at the moment; try again shortly"));

/** Refuses what cannot be answered in time, at next to no cost; vital requests wait for nobody. One for all ports of a process. */
export class Shedding {
  readonly #queue: AdmissionQueue;
  #inFlight = 0;
  #refused = 0;

  constructor(
    readonly options: SheddingOptions,
    metrics: Metrics,
  ) {
    this.#queue = new AdmissionQueue(options.waitMs);
    const watch = metrics.watchGauge;
    watch("crowsnest_requests_in_flight", "Requests that have come and are not answered", () => this.#inFlight);
    watch("crowsnest_requests_waiting", "Those of them that have not been begun", () => this.#queue.length);
    watch("crowsnest_requests_shed", "Requests refused since the start for want of time", () => this.#refused);
  }

  register(server: FastifyInstance): void {
    const leave = (): void => {
      this.#inFlight -= 1;
    };
    server.addHook("onRequest", (request, reply, done) => {
      this.#inFlight += 1;
      // Told of it is who hears of requests whose clients go while they wait.
      request.told = {};
      // Not onResponse, which hears nothing of clients that have gone.
      reply.raw.once("close", leave);
      if (isVital(request)) return done();
      const refuse = (): void => {
        this.#refused += 1;
        sendRefusal(request, reply);
      };
      if (this.#inFlight > this.options.maxInFlight) refuse();
      else this.#queue.enter(done, refuse);
    });
  }
}

function isVital({ routeOptions: { config, url }, headers }: FastifyRequest): boolean {
  if (config.audit === false || config.isVital) return true;
  // Who is not signed in can do little but sign in, and is limited by address.
  return url === "/graphql" && headers.authorization === undefined;
}

function sendRefusal(request: FastifyRequest, reply: FastifyReply): void {
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
