import { ApolloServer, HeaderMap } from "@apollo/server";
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
} from "@apollo/server/plugin/disabled";
import fastifyApollo, { fastifyApolloDrainPlugin } from "@as-integrations/fastify";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { GraphQLError, type GraphQLSchema, Kind, type OperationDefinitionNode } from "graphql";
import { LRUCache } from "lru-cache";
import { PublicError } from "../base/errors.js";
import { ACCESS_RULES } from "../domain/access/rules.js";
import {
  type CacheHint,
  Context,
  cacheHintOf,
  type Execute,
  excessOf,
  limitRule,
  type QueryLimits,
  type Services,
  schemaForValidation,
  sizeOf,
} from "../graphql/index.js";
import { registerEarlyBodies } from "./early-body.js";
import { type RateLimitOptions, takeCost } from "./rate-limit.js";
import { clientOf } from "./requests.js";
import type { AnswerSharing } from "./sharing.js";
import { resolveTrusted, type TrustedDocuments } from "./trusted-documents.js";

export interface GraphQLOptions {
  readonly schema: GraphQLSchema;
  readonly execute: Execute;
  readonly services: Services;
  readonly introspection: boolean;
  readonly production: boolean;
  readonly limits: QueryLimits;
  readonly rateLimit: RateLimitOptions | null;
  /** Null: any operation is answered. */
  readonly trusted: TrustedDocuments | null;
  readonly sharing: AnswerSharing;
}

/** More help nobody, and make a small question's answer large. */
const MAX_VALIDATION_ERRORS = 20;
/** Longest operation that is parsed at all. */
const MAX_TOKENS = 15_000;
/** Length of all requests together of which it is remembered whether their answers may be shared. */
const KNOWN_CHARACTERS = 4 * 1024 * 1024;

declare module "fastify" {
  interface FastifyRequest {
    /** All that the answer depends on, besides who asks; null where nothing is shared. */
    asked: string | null;
  }
}

interface RequestContext extends Context {
  /** Tells metrics and audit what the operation was. */
  readonly describe: (operation: OperationDefinitionNode, name: string | null | undefined) => void;
  /** Lets others who ask the same have the answer too. */
  readonly share: (operation: OperationDefinitionNode, cost: number) => void;
  /** Takes what the operation costs from what the caller has left. */
  readonly charge: (cost: number) => Promise<void>;
}

/** `/graphql`: Apollo Server speaks the protocol, parses and validates; `execute` runs the operation. */
export async function registerGraphQL(
  server: FastifyInstance,
  options: GraphQLOptions,
): Promise<ApolloServer<RequestContext>> {
  const apollo = new ApolloServer<RequestContext>({
    gateway: {
      load: async () => ({
        executor: async ({ document, operationName, request, context }) =>
          (await options.execute(
            { document, operationName, variables: request.variables },
            context as RequestContext,
          )) as never,
      }),
      onSchemaLoadOrUpdate: (callback) => {
        callback({ apiSchema: schemaForValidation(options.schema), coreSupergraphSdl: "" });
        return () => undefined;
      },
      stop: async () => undefined,
    },
    introspection: options.introspection,
    includeStacktraceInErrorResponses: false,
    hideSchemaDetailsFromClientErrors: options.production && !options.introspection,
    parseOptions: { maxTokens: MAX_TOKENS },
    validationRules: [limitRule(options.limits)],
    validationOptions: { maxErrors: MAX_VALIDATION_ERRORS },
    // Stopped by the gateway's own shutdown, which drains the server first.
    stopOnTerminationSignals: false,
    // Apollo Server's own leaves room between values.
    stringifyResult: (result) => JSON.stringify(result),
    plugins: [
      fastifyApolloDrainPlugin(server),
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginCacheControlDisabled(),
      {
        async requestDidStart() {
          return {
            async didResolveOperation({ operation, operationName, contextValue, response, document, request }) {
              if (!operation) return;
              contextValue.describe(operation, operationName);
              const size = sizeOf(options.schema, document, operation, request.variables ?? {});
              const excess = excessOf(size, options.limits);
              if (excess) throw excess;
              await contextValue.charge(size.cost);
              if (contextValue.principal) return contextValue.share(operation, size.cost);
              if (isOpen(operation)) return;
              response.http.headers = new HeaderMap([["www-authenticate", "Bearer"]]);
              throw new GraphQLError("Not signed in: send Authorization: Bearer <token>", {
                extensions: { code: "UNAUTHENTICATED", http: { status: 401 } },
              });
            },
            async willSendResponse({ contextValue, response, operation }) {
              const { body } = response;
              if (body.kind !== "single" || !operation) return;
              const refused = body.singleResult.errors?.filter((error) => error.extensions?.code === "FORBIDDEN");
              if (refused?.length) contextValue.auditDetails.refused = refused.map((error) => error.path?.join("."));
            },
          };
        },
      },
    ],
  });
  await apollo.start();
  await server.register(async (scope) => {
    // The integration adds its route by itself; this is where it learns what to be called.
    scope.addHook("onRoute", (route) => {
      route.config = { ...route.config, audit: "graphql", operation: "graphql" };
    });
    const { trusted } = options;
    if (trusted) scope.addHook("preHandler", async (request) => resolveTrusted(request, trusted));
    const { sharing } = options;
    /** What has been answered before: whether it may be shared, and a short name for it. */
    const known = new LRUCache<string, { readonly hint: CacheHint; readonly name: string }>({
      maxSize: KNOWN_CHARACTERS,
      sizeCalculation: (_, { length }) => length,
    });
    let names = 0;
    sharing.register(scope);
    registerEarlyBodies(scope);
    scope.decorateRequest("asked", null);
    scope.addHook("onRequest", (request, reply, done) => {
      if (!sharing.isOn) return done();
      request.asked = askedOf(request);
      const found = request.asked === null ? undefined : known.get(request.asked);
      const key = found ? sharing.keyOf(request, found.hint, found.name) : null;
      if (key === null) done();
      else sharing.give(key, request, reply, done);
    });
    await scope.register(fastifyApollo(apollo), {
      path: "/graphql",
      method: ["GET", "POST"],
      context: async (request, reply) => {
        const context = new Context(options.services, request.principal, clientOf(request));
        return Object.assign(context, {
          charge: async (cost: number) => takeCost(request, reply, options.rateLimit, cost)?.catch(asGraphQL),
          share: (operation: OperationDefinitionNode, cost: number) => {
            const { asked } = request;
            if (asked === null) return;
            let found = known.get(asked);
            if (!found) {
              found = { hint: cacheHintOf(operation), name: `graphql ${++names}` };
              known.set(asked, found);
            }
            const key = options.sharing.keyOf(request, found.hint, found.name);
            if (key !== null) options.sharing.begin(key, request, context, cost);
          },
          describe: (operation: OperationDefinitionNode, name: string | null | undefined) => {
            const fields = rootFields(operation);
            Object.assign(context.auditDetails, { ...(name ? { name } : {}), fields });
            request.told = {
              // Names come from clients and know no bounds; the schema's fields do.
              operation: `${operation.operation} ${fields?.[0] ?? ""}`.trim(),
              action: `graphql.${operation.operation}`,
              details: context.auditDetails,
            };
          },
        });
      },
    });
  });
  return apollo;
}

/** Null for bodies too long to be looked up. */
function askedOf({ method, url, early, headers }: FastifyRequest): string | null {
  const accept = headers.accept ?? "";
  if (method === "GET") return `${accept}\n${url}`;
  return early && `${accept}\n${early.toString("latin1")}`;
}

/** @throws GraphQLError with the status of the refusal */
function asGraphQL(error: unknown): never {
  if (!(error instanceof PublicError)) throw error;
  const { code, details, httpStatus: status } = error;
  throw new GraphQLError(error.message, { extensions: { code, ...details, http: { status } } });
}

/** Whether all that is asked for is open to everybody (signing in) or about the schema alone. */
function isOpen(operation: OperationDefinitionNode): boolean {
  const rules = ACCESS_RULES[operation.operation === "mutation" ? "Mutation" : "Query"];
  const fields = rootFields(operation);
  return fields?.every((field) => field.startsWith("__") || rules?.[field]?.public) ?? false;
}

/** Names of the root fields; null when fragments hide them. */
function rootFields(operation: OperationDefinitionNode): string[] | null {
  const selections = operation.selectionSet.selections;
  const fields = selections.flatMap((selection) => (selection.kind === Kind.FIELD ? [selection.name.value] : []));
  return fields.length === selections.length ? fields : null;
}
