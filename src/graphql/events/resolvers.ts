import { PublicError } from "../../base/errors.js";
import { BatchRefused, type EventFilter, SHAPES, SpoolRefused, type StoredEvent } from "../../events/index.js";
import { limitedTo, type Viewer } from "../../fleet/index.js";
import { pageOf } from "../connection.js";
import type { Services } from "../context.js";
import type { EventFilter as EventFilterInput, EventInput, Resolvers } from "../generated.js";

const MAX_EVENTS = 1000;

export const eventResolvers = {
  Query: {
    eventTypes: (_, { area }, { services }) =>
      services.events.registry.types().filter((type) => !area || type.area === area.toLowerCase()),
    events: async (_, { filter, ...args }, { viewer, services }) => {
      const page = pageOf(args);
      const [time, id] = page.after ?? [];
      const rows = await services.events.store.events(
        await storeFilter(viewer, services, filter),
        page.first + 1,
        typeof time === "number" && id !== undefined ? { time, id } : undefined,
      );
      return page.connect(rows, (event) => [event.time, event.id]);
    },
    eventCounts: async (_, { filter, granularity }, { viewer, services }) => [
      ...(await services.events.store.counts(
        await storeFilter(viewer, services, filter),
        ({ ALL: "all", HOUR: "hour", DAY: "day" } as const)[granularity ?? "DAY"],
      )),
    ],
  },
  Mutation: {
    eventsIngest: async (_, { input }, { viewer, services }) => {
      if (input.events.length > MAX_EVENTS) {
        const message = `expected at most ${MAX_EVENTS} events, got ${input.events.length}`;
        return { accepted: 0, errors: [{ code: "PAYLOAD_TOO_LARGE", message, field: "events" }] };
      }
      try {
        const { accepted } = await services.events.intake.accept({
          tenant: viewer.scope.tenantId,
          shape: SHAPES.plain,
          messages: input.events.map((event) => ({ value: plain(event), fallbackId: null, origin: "graphql" })),
          onFault: "refuse",
        });
        return { accepted, errors: [] };
      } catch (error) {
        if (error instanceof BatchRefused) return { accepted: 0, errors: userErrors(error) };
        if (error instanceof SpoolRefused) {
          throw new PublicError(
            error.reason === "full" ? "INSUFFICIENT_STORAGE" : "SERVICE_UNAVAILABLE",
            error.message,
          );
        }
        throw error;
      }
    },
  },
  Subscription: {
    eventAccepted: {
      subscribe: async (_, { filter }, { viewer, services }) => {
        const wanted = await storeFilter(viewer, services, filter);
        return services.events.live.subscribe((event) => isWanted(event, wanted));
      },
      resolve: (event: StoredEvent) => event,
    },
  },
  EventDefinition: {
    area: ({ area }) => area.toUpperCase() as Uppercase<typeof area>,
    personalFields: ({ personal }) => [...personal],
    retentionDays: ({ retentionDays }, _, { services }) => retentionDays ?? services.eventRetentionDays,
  },
  Event: {
    receivedAt: ({ received }) => received,
    userId: ({ user }) => user,
    place: (event) => (hasPlace(event) ? event : null),
    amount: ({ amount, currency }) => (amount === null ? null : { value: amount, currency }),
    properties: ({ properties }) => JSON.parse(properties) as Record<string, unknown>,
  },
} satisfies Resolvers;

async function storeFilter(
  viewer: Viewer,
  services: Services,
  filter: Partial<EventFilterInput> | null | undefined,
): Promise<EventFilter> {
  const subjects = await limitedTo(viewer);
  return {
    tenant: viewer.scope.tenantId,
    only: subjects ? { types: services.events.registry.typesAboutVehicles(), subjects } : undefined,
    from: filter?.from ?? undefined,
    to: filter?.to ?? undefined,
    types: filter?.types ? [...filter.types] : undefined,
    user: filter?.userId ?? undefined,
    subject: filter?.subject ?? undefined,
  };
}

function isWanted({ tenant, type, user, subject }: StoredEvent, wanted: EventFilter): boolean {
  return (
    tenant === wanted.tenant &&
    (!wanted.types || wanted.types.includes(type)) &&
    (wanted.user === undefined || wanted.user === user) &&
    (wanted.subject === undefined || wanted.subject === subject) &&
    (!wanted.only || (subject !== null && wanted.only.types.includes(type) && wanted.only.subjects.includes(subject)))
  );
}

function plain({ userId, ...event }: EventInput): Record<string, unknown> {
  const given = Object.entries({ ...event, user: userId }).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(given);
}

function userErrors({ faults }: BatchRefused) {
  return faults.flatMap(({ index, faults: found }) =>
    found.map(({ path, message }) => ({
      code: "BAD_USER_INPUT" as const,
      message,
      field: ["events", index, ...path].join("."),
    })),
  );
}

function hasPlace({ country, region, city, latitude }: StoredEvent): boolean {
  return country !== null || region !== null || city !== null || latitude !== null;
}
