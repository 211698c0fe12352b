import { Repeater } from "@repeaterjs/repeater";
import type { FastifyReply, FastifyRequest } from "fastify";
import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  type OperationDefinitionNode,
  parse,
  specifiedRules,
  validate,
} from "graphql";
import { PublicError } from "../base/errors.js";
import type { Principal } from "../domain/access/scope.js";
import { SlowReader } from "../events/index.js";
import {
  Context,
  type Execute,
  excessOf,
  limitRule,
  MAX_TOKENS,
  MAX_VALIDATION_ERRORS,
  type QueryLimits,
  type Result,
  type Results,
  type Services,
  sizeOf,
} from "../graphql/index.js";
import { type RateLimitOptions, takeCost, takePoints } from "./rate-limit.js";
import { clientOf, entryOf, NOT_AUDITED } from "./requests.js";
import { type Asked, type TrustedDocuments, textOf } from "./trusted-documents.js";

export interface SubscriptionOptions {
  readonly schema: GraphQLSchema;
  readonly execute: Execute;
  readonly services: Services;
  readonly limits: QueryLimits;
  readonly rateLimit: RateLimitOptions | null;
  /** Null: any subscription is answered. */
  readonly trusted: TrustedDocuments | null;
  /** Whether messages may name what an unknown field could have meant. */
  readonly suggestions: boolean;
  readonly isAudited: boolean;
}

/** Who subscribes, and by which request. */
export interface Subscriber {
  readonly request: FastifyRequest;
  /** Told what is left of the caller's points, where headers can still be sent. */
  readonly reply: FastifyReply | null;
  readonly principal: Principal;
  /** Token or key that showed it: looked at again for as long as the stream lasts. */
  readonly credential: string;
}

export interface Params extends Asked {
  readonly operationName?: string | null | undefined;
  readonly variables?: Record<string, unknown> | null | undefined;
}

/** A subscription that has been understood. */
export interface Prepared {
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  readonly operationName: string | undefined;
  readonly variables: Record<string, unknown>;
  readonly cost: number;
}

/** Streams of this process that may be open at once. */
const MOST_OPEN = 1000;
/** How long somebody goes on reading a silent stream after having lost the right to; with every result it is looked at anyway. */
const RECHECK_MS = 5000;
/** How long a process that stops waits for readers to read so. */
const LAST_WORDS_MS = 2000;

/** Subscriptions, whatever carries them: limited, audited and counted as queries are, and ended when the right to them ends. */
export class Subscriptions {
  readonly #open = new Set<() => void>();
  #isClosing = false;

  constructor(readonly options: SubscriptionOptions) {}

  get open(): number {
    return this.#open.size;
  }

  get isClosing(): boolean {
    return this.#isClosing;
  }

  /** Ends all, for a process that stops: their readers are told, and come again to another. */
  closeAll(): void {
    this.#isClosing = true;
    for (const close of this.#open) close();
  }

  /** What is asked for, or why it cannot be understood. */
  prepare(params: Params): Prepared | GraphQLError {
    try {
      return this.#prepare(params);
    } catch (error) {
      return this.#told(asGraphQL(error));
    }
  }

  /** @param points taken from the caller beside the operation's cost: 1 where no request was counted for it */
  async begin(prepared: Prepared, subscriber: Subscriber, points: number): Promise<Results | Result> {
    const { request, reply, principal } = subscriber;
    const { rateLimit, execute, services } = this.options;
    try {
      if (rateLimit && points > 0) await takePoints(request, reply, rateLimit, points);
      await takeCost(request, reply, rateLimit, prepared.cost);
      if (this.#open.size >= MOST_OPEN) {
        throw new PublicError("SERVICE_UNAVAILABLE", `${MOST_OPEN} streams are open already; try again later`);
      }
      const begun = await execute.subscribe(prepared, new Context(services, principal, clientOf(request)));
      await this.#audit(prepared.operation, subscriber, begun);
      if (Symbol.asyncIterator in begun) return this.#watched(begun, subscriber);
      return { errors: (begun.errors ?? []).map((error) => this.#told(error)) };
    } catch (error) {
      return { errors: [asGraphQL(error)] };
    }
  }

  /** @throws GraphQLError, PublicError */
  #prepare(params: Params): Prepared {
    const { schema, limits, trusted } = this.options;
    const text = trusted ? textOf(params, trusted) : params.query;
    if (typeof text !== "string" || text === "") throw new PublicError("BAD_REQUEST", "expected a query");
    const document = parse(text, { maxTokens: MAX_TOKENS });
    const [wrong] = validate(schema, document, [...specifiedRules, limitRule(limits)], {
      maxErrors: MAX_VALIDATION_ERRORS,
    });
    if (wrong) throw wrong;
    const operation = getOperationAST(document, params.operationName);
    if (!operation) throw new PublicError("BAD_REQUEST", "expected operationName to name one operation of the query");
    if (operation.operation !== "subscription") {
      throw new PublicError("BAD_REQUEST", `A ${operation.operation} is answered at /graphql, not in a stream`);
    }
    const size = sizeOf(schema, document, operation, params.variables ?? {});
    const excess = excessOf(size, limits);
    if (excess) throw excess;
    const operationName = params.operationName ?? undefined;
    return { document, operation, operationName, variables: params.variables ?? {}, cost: size.cost };
  }

  /** What may not be explored may not be guessed either. */
  #told(error: GraphQLError): GraphQLError {
    if (this.options.suggestions) return error;
    const message = error.message.replace(/ ?Did you mean .+\?$/s, "");
    return new GraphQLError(message, { nodes: error.nodes ?? null, extensions: error.extensions });
  }

  /** Before anything is told. @throws PublicError SERVICE_UNAVAILABLE: nothing is told that the trail does not know of */
  async #audit(operation: OperationDefinitionNode, { request, principal }: Subscriber, begun: object): Promise<void> {
    const { services, isAudited } = this.options;
    const [field] = operation.selectionSet.selections;
    const name = field?.kind === "Field" ? field.name.value : "";
    request.told = {
      operation: `subscription ${name}`.trim(),
      action: "graphql.subscription",
      details: { ...(operation.name ? { name: operation.name.value } : {}), fields: [name] },
    };
    request.principal = principal;
    request.isAudited = true;
    const status = Symbol.asyncIterator in begun ? 200 : 403;
    if (!isAudited) return;
    await services.audit.append(entryOf(request, status, services.defaultTenant)).catch((error: unknown) => {
      request.log.error({ error: String(error) }, "a subscription is withheld: it cannot be audited");
      throw new PublicError("SERVICE_UNAVAILABLE", NOT_AUDITED);
    });
  }

  #watched(results: Results, subscriber: Subscriber): Results {
    return new Repeater<Result>(async (push, stop) => {
      let last: Result | null = null;
      const leave = (): void => void results.return().catch(() => undefined);
      const end = (result: Result): void => {
        last ??= result;
        leave();
      };
      const isAllowed = async (): Promise<boolean> => {
        const allowed = await this.#isStillAllowed(subscriber);
        if (!allowed) end(NO_LONGER);
        return allowed;
      };
      const close = (): void => {
        end(STOPPING);
        setTimeout(() => subscriber.request.raw.socket.destroy(), LAST_WORDS_MS).unref();
      };
      const timer = setInterval(() => void isAllowed(), RECHECK_MS).unref();
      this.#open.add(close);
      void stop.then(leave);
      try {
        for await (const result of results) {
          if (!(await isAllowed())) break;
          await push(result);
        }
      } catch (error) {
        last = error instanceof SlowReader ? TOO_SLOW : FAILED;
        if (last === FAILED) subscriber.request.log.error({ err: error }, "a subscription broke off");
      } finally {
        clearInterval(timer);
        this.#open.delete(close);
      }
      if (last) push(last).catch(() => undefined);
      stop();
    });
  }

  /** As when it began: with other rights it would have to begin anew. */
  async #isStillAllowed({ credential, principal }: Subscriber): Promise<boolean> {
    try {
      const now = await this.options.services.accounts.authenticate(credential);
      return now === principal || JSON.stringify(rightsOf(now)) === JSON.stringify(rightsOf(principal));
    } catch {
      return false;
    }
  }
}

const rightsOf = ({ role, permissions, vehicleIds, fleetIds, areas }: Principal) => [
  ...[role, permissions, vehicleIds, fleetIds, areas],
];

const failure = (code: string, message: string): Result => ({
  errors: [new GraphQLError(message, { extensions: { code } })],
});
const NO_LONGER = failure("UNAUTHENTICATED", "Signed out, or with other rights than at the beginning: subscribe again");
const STOPPING = failure("SERVICE_UNAVAILABLE", "The gateway stops: subscribe again");
const TOO_SLOW = failure(
  "STREAM_OVERFLOW",
  "More has happened than was read: subscribe again, and read what was missed",
);
const FAILED = failure("INTERNAL_SERVER_ERROR", "Something went wrong on our side; it has been logged");

/** @throws what is meant for nobody */
function asGraphQL(error: unknown): GraphQLError {
  if (error instanceof GraphQLError) return error;
  if (!(error instanceof PublicError)) throw error;
  return new GraphQLError(error.message, { extensions: { code: error.code, ...error.details } });
}
