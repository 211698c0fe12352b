import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HAS_CLICKHOUSE } from "../../../tests/support/chdb.js";
import { caseOf } from "../../../tests/support/insights/arbitrary.js";
import { naive } from "../../../tests/support/insights/naive.js";
import { openStores, type Stores } from "../../../tests/support/stores.js";
import type { PlanRow } from "../../domain/insights/plan.js";

/** Streams, each with one plan of every kind. */
const STREAMS = Number(process.env.INSIGHT_STREAMS ?? 50);

describe.runIf(process.env.REQUIRE_SUITES === "1")("no suite is skipped", () => {
  it("for want of ClickHouse's engine", () => expect(HAS_CLICKHOUSE).toBe(true));
});

let stores: Stores;
let tenants = 0;
beforeAll(async () => {
  stores = await openStores();
});
afterAll(() => stores?.close());

/** Rows in an order of their own, numbers to the digits that doubles agree on. */
function comparable(rows: readonly PlanRow[]): string[] {
  const plain = (value: string | number | null): unknown => {
    const number = typeof value === "string" && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
    return typeof number === "number" ? Number(number.toPrecision(12)) : number;
  };
  return rows
    .map((row) =>
      JSON.stringify(
        Object.entries(row)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, value]) => [name, plain(value)]),
      ),
    )
    .sort();
}

describe("plans over generated streams", () => {
  it(`have the same answers in every store as worked out by hand, in ${STREAMS} streams`, {
    timeout: 1_800_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(caseOf("TENANT"), async ({ zone, events: template, plans: templates }) => {
        const tenant = `tenant ${++tenants}`;
        const [events, plans] = JSON.parse(JSON.stringify([template, templates]).replaceAll("TENANT", tenant)) as [
          typeof template,
          typeof templates,
        ];
        await stores.keep(events);
        for (const plan of plans) {
          const expected = comparable(naive(plan, events, zone));
          for (const { name, store } of stores.all) {
            const rows = await store.answer(plan).catch((error: unknown) => {
              throw new Error(`${name}, ${plan.kind}: ${String(error).slice(0, 1500)}`);
            });
            expect(comparable(rows), `${name}: ${JSON.stringify(plan)} in ${zone}`).toEqual(expected);
          }
        }
      }),
      { numRuns: STREAMS, ...(process.env.SEED && { seed: Number(process.env.SEED) }) },
    );
  });
});
