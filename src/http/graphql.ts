import { ApolloServer, HeaderMap } from "@apollo/server";
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
} from "@apollo/server/plugin/disabled";
import fastifyApollo, { fastifyApolloDrainPlugin } from "@as-integrations/fastify";
import type { FastifyInstance } from "fastify";
import { GraphQLError, type GraphQLSchema, Kind, type OperationDefinitionNode } from "graphql";
import { systemClock } from "../base/clock.js";
import { PublicError } from "../base/errors.js";
import { ACCESS_RULES } from "../domain/access/rules.js";
import {
  type Execute,
  excessOf,
  limitRule,
  MAX_TOKENS,
  MAX_VALIDATION_ERRORS,
  type QueryLimits,
  type Services,
  schemaForValidation,
  sizeOf,
} from "../graphql/index.js";
import { registerEarlyBodies } from "./early-body.js";
import { KnownOperations, type RequestContext } from "./known-operations.js";
import type { RateLimitOptions } from "./rate-limit.js";
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

const ELSEWHERE = "Subscriptions are answered at /graphql/stream, as server-sent events or over a WebSocket";
const BAD_REQUEST = { code: "BAD_REQUEST", http: { status: 400 } };

/** `/graphql`: Apollo Server speaks the protocol, parses and validates; `execute` runs the operation. */
export async function registerGraphQL(
  server: FastifyInstance,
  options: GraphQLOptions,
): Promise<ApolloServer<RequestContext>> {
  const known = new KnownOperations({ ...options, clock: systemClock });
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
              if (operation.operation === "subscription")
                throw new GraphQLError(ELSEWHERE, { extensions: BAD_REQUEST });
              const variables = request.variables ?? {};
              const size = sizeOf(options.schema, document, operation, variables);
              const excess = excessOf(size, options.limits);
              const { cost } = size;
              const fields = rootFields(operation);
              const admitted = { document, operation, operationName, variables, fields, cost };
              contextValue.describe(admitted);
              if (excess) throw excess;
              await contextValue.admit(admitted)?.catch(asGraphQL);
              if (contextValue.principal || isOpen(operation)) return;
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
    const { trusted, sharing } = options;
    if (trusted) scope.addHook("preHandler", async (request) => resolveTrusted(request, trusted));
    registerEarlyBodies(scope);
    known.register(scope);
    sharing.register(scope);
    await scope.register(fastifyApollo(apollo), {
      path: "/graphql",
      method: ["GET", "POST"],
      context: async (request, reply) => known.contextFor(request, reply),
    });
  });
  return apollo;
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
