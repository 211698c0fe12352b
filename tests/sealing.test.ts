import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Asker } from "../src/analytics/analytics.js";
import { Answers, areas, sealingOf } from "../src/analytics/index.js";
import { DAY, HOUR, MINUTE } from "../src/base/clock.js";
import type { StoredEvent } from "../src/events/event.js";
import { EVENT_TYPES } from "../src/events/index.js";
import type { EventStore } from "../src/events/store/index.js";
import { HAS_CLICKHOUSE } from "./support/chdb.js";
import { openStores, type Stores } from "./support/stores.js";

describe.runIf(process.env.REQUIRE_SUITES === "1")("no suite is skipped", () => {
  it("for want of ClickHouse's engine", () => expect(HAS_CLICKHOUSE).toBe(true));
});

const NOW = Date.parse("2026-07-14T03:00:00Z");
const START = NOW - 20 * DAY;
const registry = { types: () => [...EVENT_TYPES] };
const sealing = sealingOf(registry);

let stores: Stores;
beforeAll(async () => {
  stores = await openStores();
});
afterAll(() => stores?.close());

function askerOf(store: EventStore, tenant: string): Asker {
  const answers = new Answers({ store, clock: () => NOW, maxRows: 1, ttlMs: 0 });
  const asking = { tenant, types: null, only: null, where: [], sample: null };
  return new Asker({ events: { registry }, answers } as never, asking, {} as never, true);
}

/** Every statistic of the bookings and product contracts that looks back further than events are kept. */
async function statistics(store: EventStore, tenant: string, days: readonly number[]) {
  const asker = askerOf(store, tenant);
  const dashboard = await areas.productDashboard(asker);
  const dau = [];
  for (const day of days) dau.push((await areas.productDau(asker, new Date(day).toISOString().slice(0, 10))).dau);
  return {
    events: await areas.eventStats(asker),
    daily: await areas.dailyStats(asker, 60),
    overview: await areas.bookingOverview(asker),
    users: dashboard.overview.totalUsers,
    watched: dashboard.content.totalWatchTimeMinutes,
    dau,
  };
}

/** An event; how long after it happened it was received tells what retention does with it. */
const event = fc.record({
  kind: fc.constantFrom("BookingCreated", "BookingConfirmed", "BookingCancelled", "EventUpdated", "EventCreated"),
  minute: fc.nat(19 * 24 * 60),
  late: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(9 * 24) }),
  subject: fc.constantFrom("1", "2", "3"),
  user: fc.constantFrom("ada", "bo", "cy", "dee", null),
  quantity: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
  amount: fc.constantFrom("0", "12.5", "33.3333", "0.0001"),
  currency: fc.constantFrom("USD", "NGN"),
  name: fc.constantFrom("Concert", "Match", undefined),
  capacity: fc.constantFrom(10, 250, undefined),
});
/** Those of the product come in order: users of a day are only known for as long as its events are. */
const productEvent = fc.record({
  kind: fc.constantFrom("page_view", "video_play", "made_up"),
  minute: fc.nat(19 * 24 * 60),
  user: fc.constantFrom("ada", "bo", "cy", null),
  duration: fc.option(fc.integer({ min: 0, max: 5000 }), { nil: undefined }),
});

type Made = Omit<StoredEvent, "tenant">;
const nowhere = { country: null, region: null, city: null, latitude: null, longitude: null, session: null };

function madeOf(bookings: readonly (typeof event extends fc.Arbitrary<infer T> ? T : never)[]): Made[] {
  return bookings.map(({ kind, minute, late, subject, user, quantity, amount, currency, name, capacity }, i) => {
    const isBooking = kind.startsWith("Booking");
    const time = START + minute * MINUTE;
    const properties = isBooking
      ? { booking_data: { ...(quantity !== undefined && { quantity }) } }
      : { event_data: { ...(name && { name }), ...(capacity && { capacity }) } };
    return {
      ...nowhere,
      ...{ id: `b${i}`, type: kind, time, received: time + late * HOUR, origin: "http", subject },
      ...{ user: isBooking ? user : null, amount: isBooking ? amount : null, currency: isBooking ? currency : null },
      properties: JSON.stringify(properties),
    };
  });
}

const productOf = (events: readonly (typeof productEvent extends fc.Arbitrary<infer T> ? T : never)[]): Made[] =>
  events.map(({ kind, minute, user, duration }, i) => {
    const time = START + minute * MINUTE;
    const properties = JSON.stringify(duration === undefined ? {} : { duration_seconds: duration });
    const nothing = { subject: null, amount: null, currency: null };
    return { ...nowhere, ...nothing, id: `p${i}`, type: kind, time, received: time, origin: "http", user, properties };
  });

let runs = 0;

describe("what retention deletes", () => {
  it("goes on counting in statistics, whatever comes late, in every store", { timeout: 1_800_000 }, async () => {
    const stream = fc.record({
      bookings: fc.array(event, { maxLength: 40 }),
      product: fc.array(productEvent, { maxLength: 25 }),
      cuts: fc.array(fc.integer({ min: 1, max: 19 * 24 }), { minLength: 1, maxLength: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(stream, async ({ bookings, product, cuts }) => {
        const [whole, cut] = [`whole ${++runs}`, `cut ${runs}`];
        const events = [...madeOf(bookings), ...productOf(product)].sort((a, b) => a.received - b.received);
        await stores.keep(events.map((each) => ({ ...each, tenant: whole })));
        let kept = 0;
        for (const hour of cuts.toSorted((a, b) => a - b)) {
          // What was received up to a day later is there by then; retention deletes what is older than that.
          const before = START + hour * HOUR;
          const until = events.findIndex(({ received }) => received >= before + DAY);
          const arrived = events.slice(kept, until === -1 ? undefined : Math.max(kept, until));
          kept += arrived.length;
          await stores.keep(arrived.map((each) => ({ ...each, tenant: cut })));
          for (const { store } of stores.all) await store.deleteReceivedBefore(cut, { except: [] }, before, sealing);
        }
        await stores.keep(events.slice(kept).map((each) => ({ ...each, tenant: cut })));
        const days = cuts.flatMap((hour) => [START + hour * HOUR, START + (hour - 24) * HOUR]);
        for (const { name, store } of stores.all) {
          expect(await statistics(store, cut, days), name).toEqual(await statistics(store, whole, days));
        }
      }),
      {
        numRuns: Number(process.env.SEALED_STREAMS ?? 8),
        ...(process.env.SEED && { seed: Number(process.env.SEED) }),
      },
    );
  });
});
