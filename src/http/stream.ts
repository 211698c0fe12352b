import websocket from "@fastify/websocket";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { GraphQLError } from "graphql";
import { createHandler } from "graphql-sse/lib/use/fastify";
import { makeHandler } from "graphql-ws/use/@fastify/websocket";
import { PublicError } from "../base/errors.js";
import type { Result } from "../graphql/index.js";
import type { Metrics } from "../ops/metrics.js";
import {
  type Params,
  type Prepared,
  type Subscriber,
  type SubscriptionOptions,
  Subscriptions,
} from "./subscriptions.js";

const PATH = "/graphql/stream";
/** Longest message of a client's over a WebSocket. */
const MAX_PAYLOAD = 64 * 1024;
/** Subscriptions of one WebSocket. */
const MOST_PER_SOCKET = 50;

/** `/graphql/stream`: subscriptions as server-sent events (one each: graphql-sse, distinct connections) and over WebSockets (graphql-transport-ws). */
export async function registerStream(
  server: FastifyInstance,
  options: SubscriptionOptions,
  metrics: Metrics,
): Promise<void> {
  const subscriptions = new Subscriptions(options);
  metrics.watchGauge("crowsnest_subscriptions", "Subscriptions that are open", () => subscriptions.open);
  server.addHook("preClose", async () => subscriptions.closeAll());
  await server.register(websocket, { options: { maxPayload: MAX_PAYLOAD } });
  const serverSentEvents = ofServerSentEvents(subscriptions);
  const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    if (!request.headers.accept?.includes("text/event-stream")) {
      throw new PublicError("BAD_REQUEST", "expected Accept: text/event-stream, or a WebSocket");
    }
    // The library knows it by this alone.
    request.headers.accept = "text/event-stream";
    // Whoever is not signed in is told so without a stream.
    subscriberOf(request, reply);
    await serverSentEvents(request, reply);
    // Kept for a next request, the connection would hold up a process that waits for its last ones.
    if (subscriptions.isClosing) request.raw.socket.destroySoon();
  };
  const config = { audit: "graphql", operation: "subscription" };
  server.route({ method: "GET", url: PATH, config, handler, wsHandler: overWebSockets(subscriptions, options) });
  server.route({ method: "POST", url: PATH, config, handler });
}

function ofServerSentEvents(subscriptions: Subscriptions) {
  return createHandler<Record<string, never>>({
    // No streams that several operations share.
    authenticate: () => null,
    context: () => ({}),
    onSubscribe: async ({ raw, context: { reply } }, params) => {
      const prepared = subscriptions.prepare(params as Params);
      if (prepared instanceof GraphQLError) return only({ errors: [prepared] });
      const begun = await subscriptions.begin(prepared, subscriberOf(raw, reply), 0);
      return Symbol.asyncIterator in begun ? begun : only(begun);
    },
    // The library would read on however slowly the client does. What is written now comes behind all that was before.
    onNext: (_, { context: { reply } }) => new Promise<void>((resolve) => void reply.raw.write("", () => resolve())),
  });
}

/** What has errors and no data the library takes for something else, unless it comes in a stream. */
async function* only(result: Result): AsyncGenerator<Result> {
  yield result;
}

type Carried = Prepared & { readonly subscriber: Subscriber };

function overWebSockets(subscriptions: Subscriptions, { schema, services }: SubscriptionOptions) {
  return makeHandler<Record<string, unknown>, { subscriber?: Subscriber }>({
    // Browsers cannot send headers with a WebSocket: the token may come with its first message.
    onConnect: async ({ connectionParams, extra }) => {
      const { request } = extra;
      const header =
        request.headers.authorization ?? connectionParams?.authorization ?? connectionParams?.Authorization;
      const credential = bearerOf(header);
      const principal = credential && (await services.accounts.authenticate(credential).catch(() => null));
      if (!principal) return false;
      request.principal = principal;
      extra.subscriber = { request, reply: null, principal, credential };
      return true;
    },
    onSubscribe: ({ extra: { subscriber }, subscriptions: own }, _, params) => {
      const excess = Object.keys(own).length > MOST_PER_SOCKET;
      if (excess) return [new GraphQLError(`A WebSocket carries at most ${MOST_PER_SOCKET} subscriptions`)];
      const prepared = subscriptions.prepare(params as Params);
      if (prepared instanceof GraphQLError) return [prepared];
      return { schema, document: prepared.document, contextValue: { ...prepared, subscriber } };
    },
    subscribe: ({ contextValue }) => {
      const { subscriber, ...prepared } = contextValue as Carried;
      return subscriptions.begin(prepared, subscriber, 1);
    },
  });
}

/** @throws PublicError UNAUTHENTICATED */
function subscriberOf(request: FastifyRequest, reply: FastifyReply): Subscriber {
  const { principal } = request;
  const credential = bearerOf(request.headers.authorization);
  if (principal && credential) return { request, reply, principal, credential };
  throw new PublicError("UNAUTHENTICATED", "Not signed in: send Authorization: Bearer <token>");
}

/** Null where it is none. */
function bearerOf(header: unknown): string | null {
  return (typeof header === "string" && /^bearer (\S+)$/i.exec(header)?.[1]) || null;
}
