import { createHash } from "node:crypto";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type Clock, SECOND } from "../base/clock.js";
import type { Principal } from "../domain/access/scope.js";
import type { CacheHint, Context } from "../graphql/index.js";
import { type RateLimitOptions, takeCost } from "./rate-limit.js";
import { type Flight, goodUntil, type SharedAnswer, type SharedAnswers } from "./shared-answers.js";

declare module "fastify" {
  interface FastifyRequest {
    /** Set where the answer may go to others too. */
    sharing: Sharing | null;
  }
}

interface Sharing {
  readonly flight: Flight;
  readonly context: Context;
  readonly cost: number;
}

export interface SharingOptions {
  /** Null: every answer is worked out. */
  readonly answers: SharedAnswers | null;
  /** Names everything that decides what somebody may see, except who it is. */
  readonly rightsOf: (principal: Principal) => string;
  readonly rateLimit: RateLimitOptions | null;
  readonly cacheTtlMs: number;
  readonly clock: Clock;
}

/** Whole answers are given again to whoever may see the same: after the token, the rate limit and the audit trail. */
export class AnswerSharing {
  constructor(readonly options: SharingOptions) {}

  get isOn(): boolean {
    return this.options.answers !== null;
  }

  /** Keeps what `begin` was called for, as it leaves. */
  register(server: FastifyInstance): void {
    server.decorateRequest("sharing", null);
    server.addHook("onSend", (request, reply, payload, done) => {
      if (request.sharing) return done(null, this.#land(request.sharing, request, reply, payload));
      if (!reply.hasHeader("cache-control")) reply.header("cache-control", "no-store");
      done(null, payload);
    });
    // Of answers that never left.
    server.addHook("onResponse", (request, _reply, done) => {
      request.sharing?.flight.giveUp();
      done();
    });
  }

  /** What tells one answer from another. Null: nothing is shared with this caller. */
  keyOf({ principal }: FastifyRequest, hint: CacheHint, asked: string): string | null {
    if (!principal || hint === "none" || !this.options.answers) return null;
    const rights = this.options.rightsOf(principal);
    // What technicians see depends on which jobs are theirs.
    const isOwn = hint === "own" || principal.role === "TECHNICIAN";
    return isOwn ? `${rights}|${JSON.stringify(principal.userId)}|${asked}` : `${rights}|${asked}`;
  }

  /**
   * Answers from what is kept or on its way.
   * @param otherwise called where the answer has to be worked out, and with an error where there must be none; a promise
   *   would tell a client that has gone from one that was answered too late
   */
  give(key: string, request: FastifyRequest, reply: FastifyReply, otherwise: (error?: Error) => void): void {
    const { answers } = this.options;
    const use = (answer: SharedAnswer | null): void => {
      if (answer) this.#send(answer, request, reply, otherwise);
      else otherwise();
    };
    const coming = answers?.find(key) ?? answers?.join(key) ?? null;
    if (coming instanceof Promise) void coming.then(use);
    else use(coming);
  }

  /** From now on others who ask the same wait for this answer. */
  begin(key: string, request: FastifyRequest, context: Context, cost: number): void {
    const { answers } = this.options;
    if (request.sharing || !request.principal || !answers) return;
    const flight = answers.begin(request.principal.tenantId, key);
    request.sharing = { flight, context, cost };
  }

  #send(answer: SharedAnswer, request: FastifyRequest, reply: FastifyReply, refuse: (error: Error) => void): void {
    const taken = takeCost(request, reply, this.options.rateLimit, answer.cost);
    if (taken) taken.then(() => this.#write(answer, request, reply), refuse);
    else this.#write(answer, request, reply);
  }

  #write(answer: SharedAnswer, request: FastifyRequest, reply: FastifyReply): void {
    request.told = answer.told as FastifyRequest["told"];
    reply.headers(answer.headers).header("x-cache", "HIT").header("age", this.#ageOf(answer));
    if (isKnown(request, answer)) reply.code(304).send();
    else reply.send(answer.body);
  }

  #ageOf({ asOf }: SharedAnswer): number {
    return Math.max(0, Math.floor((this.options.clock() - asOf) / SECOND));
  }

  #land(sharing: Sharing, request: FastifyRequest, reply: FastifyReply, payload: unknown): unknown {
    const { flight, context, cost } = sharing;
    const { viewer } = context.made;
    const asOf = viewer?.ledger.asOf ?? null;
    const isGood = reply.statusCode === 200 && (typeof payload === "string" || Buffer.isBuffer(payload));
    if (
      !isGood ||
      !viewer ||
      asOf === null ||
      viewer.bypassedCache ||
      viewer.ledger.isProvisional ||
      context.made.failed
    ) {
      flight.giveUp();
      reply.header("cache-control", "no-store");
      return payload;
    }
    const body = Buffer.from(payload);
    const now = this.options.clock();
    const until = goodUntil(asOf, this.options.cacheTtlMs, now);
    const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 27)}"`;
    const headers = {
      "content-type": String(reply.getHeader("content-type")),
      etag,
      "cache-control": `private, max-age=${Math.max(0, Math.floor((until - asOf) / SECOND))}`,
      vary: [reply.getHeader("vary"), "Authorization, Accept"].filter(Boolean).join(", "),
    };
    const answer: SharedAnswer = { body, headers, etag, asOf, until, told: request.told, cost };
    reply.headers(headers).header("age", this.#ageOf(answer));
    // What had to be fetched says so of itself; whoever gets it later would be told a lie.
    if (viewer.ledger.cachedSince(viewer.startedAt)) flight.keep(answer, viewer.dependencies);
    else flight.give(answer);
    if (!isKnown(request, answer)) return body;
    reply.code(304);
    return null;
  }
}

/** Whether the caller has it already: only asked of what can be fetched again by its address. */
function isKnown({ method, headers }: FastifyRequest, { etag }: SharedAnswer): boolean {
  const known = headers["if-none-match"];
  return (
    method === "GET" && known !== undefined && known.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag)
  );
}
