import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { OperationDefinitionNode } from "graphql";
import { LRUCache } from "lru-cache";
import { type Clock, SECOND } from "../base/clock.js";
import { type CacheHint, Context, cacheHintOf, type Execute, type Operation, type Services } from "../graphql/index.js";
import { type RateLimitOptions, takeCost } from "./rate-limit.js";
import { clientOf } from "./requests.js";
import type { AnswerSharing } from "./sharing.js";

/** An operation that has been understood and may be executed for whoever is signed in. */
export interface Admitted extends Operation {
  readonly operation: OperationDefinitionNode;
  /** Names of its root fields, where no fragments hide them. */
  readonly fields: readonly string[] | null;
  /** Points of the limit on operations. */
  readonly cost: number;
}

/** One request's context, with what happens between an operation that has been understood and its execution. */
export interface RequestContext extends Context {
  /** Tells metrics and audit what the operation is. */
  readonly describe: (admitted: Admitted) => void;
  /** Undefined where nothing has to be waited for. @throws PublicError RATE_LIMITED */
  readonly admit: (admitted: Admitted) => Promise<void> | undefined;
}

interface Known {
  readonly admitted: Admitted;
  readonly hint: CacheHint;
  /** Short for the request's bytes. */
  readonly name: string;
  /** Null until the first answer has been sent. */
  contentType: string | null;
  /** Until then it is executed as any other, epoch milliseconds: something failed in it. */
  restsUntil: number;
}

declare module "fastify" {
  interface FastifyRequest {
    /** All that the answer depends on, besides who asks; null where the body is too long to be looked up. */
    asked: string | null;
    known: Known | null;
    /** What was begun before it turned out that the operation has to be executed as any other. */
    begun: RequestContext | null;
    /** Puts the answer together. */
    text: (() => Buffer) | null;
  }
}

export interface KnownOperationsOptions {
  readonly execute: Execute;
  readonly services: Services;
  readonly rateLimit: RateLimitOptions | null;
  readonly sharing: AnswerSharing;
  readonly clock: Clock;
}

/** Length of all requests together that are remembered. */
const KNOWN_CHARACTERS = 4 * 1024 * 1024;
/** Executing what fails twice, here and as any other, must not become a habit. */
const REST_AFTER_FAILURE = 10 * SECOND;

/**
 * Requests for what has been asked before, known by their bytes: parsed, validated and measured once. Whole answers are
 * given again where they may be; what must be worked out is executed at once, and only where that fails as any other.
 */
export class KnownOperations {
  readonly #known = new LRUCache<string, Known>({
    maxSize: KNOWN_CHARACTERS,
    sizeCalculation: (_, { length }) => length,
  });
  #names = 0;

  constructor(readonly options: KnownOperationsOptions) {}

  register(scope: FastifyInstance): void {
    const { sharing, clock } = this.options;
    scope.decorateRequest("asked", null);
    scope.decorateRequest("known", null);
    scope.decorateRequest("begun", null);
    scope.decorateRequest("text", null);
    scope.addHook("onRequest", (request, reply, done) => {
      request.asked = askedOf(request);
      const known = request.asked === null ? undefined : this.#known.get(request.asked);
      if (!known || !request.principal) return done();
      const otherwise = (error?: Error): void => {
        if (error || known.contentType === null || known.restsUntil > clock()) done(error);
        else this.#execute(known, request, reply, done);
      };
      const key = sharing.keyOf(request, known.hint, known.name);
      if (key === null) otherwise();
      else sharing.give(key, request, reply, otherwise);
    });
    scope.addHook("onSend", ({ known, text }, reply, payload, done) => {
      if (known && reply.statusCode === 200) known.contentType ??= String(reply.getHeader("content-type"));
      // Not before: an answer that waits for its audit entry would hold its bytes, and hundreds do.
      done(null, text && reply.statusCode === 200 ? text() : payload);
    });
  }

  /** @param reply told what is left of the caller's points */
  contextFor(request: FastifyRequest, reply: FastifyReply): RequestContext {
    if (request.begun) return request.begun;
    const context = new Context(this.options.services, request.principal, clientOf(request));
    let isAdmitted = false;
    const admit = (admitted: Admitted): Promise<void> | undefined => {
      if (isAdmitted) return undefined;
      isAdmitted = true;
      const charged = takeCost(request, reply, this.options.rateLimit, admitted.cost);
      if (charged) return charged.then(() => this.#share(admitted, request, context));
      return this.#share(admitted, request, context);
    };
    return Object.assign(context, { admit, describe: (admitted: Admitted) => describe(admitted, context, request) });
  }

  #execute(known: Known, request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void {
    const { execute, clock } = this.options;
    const context = this.contextFor(request, reply);
    request.begun = context;
    const run = (): void => {
      execute.text(known.admitted, context).then((text) => {
        if (text !== null) {
          request.text = text;
          request.begun = null;
          return void reply.type(known.contentType ?? "application/json").send("");
        }
        known.restsUntil = clock() + REST_AFTER_FAILURE;
        done();
      }, done);
    };
    context.describe(known.admitted);
    const waiting = context.admit(known.admitted);
    if (waiting) waiting.then(run, done);
    else run();
  }

  /** Remembers what was asked; others who ask the same may have the answer too. */
  #share(admitted: Admitted, request: FastifyRequest, context: Context): undefined {
    const { asked, principal } = request;
    if (asked === null || !principal) return;
    let known = this.#known.get(asked);
    if (!known && admitted.operation.operation === "query") {
      const hint = cacheHintOf(admitted.operation);
      known = { admitted, hint, name: `graphql ${++this.#names}`, contentType: null, restsUntil: 0 };
      this.#known.set(asked, known);
    }
    if (!known) return;
    request.known = known;
    const key = this.options.sharing.keyOf(request, known.hint, known.name);
    if (key !== null) this.options.sharing.begin(key, request, context, known.admitted.cost);
  }
}

/** Null for bodies too long to be looked up. */
function askedOf({ method, url, early, headers }: FastifyRequest): string | null {
  const accept = headers.accept ?? "";
  if (method === "GET") return `${accept}\n${url}`;
  return early && `${accept}\n${headers["content-type"]}\n${early.toString("latin1")}`;
}

function describe({ operation, operationName, fields }: Admitted, context: Context, request: FastifyRequest): void {
  Object.assign(context.auditDetails, { ...(operationName ? { name: operationName } : {}), fields });
  request.told = {
    // Names come from clients and know no bounds; the schema's fields do.
    operation: `${operation.operation} ${fields?.[0] ?? ""}`.trim(),
    action: `graphql.${operation.operation}`,
    details: context.auditDetails,
  };
}
