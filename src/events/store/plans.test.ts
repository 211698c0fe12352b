import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HAS_CLICKHOUSE, startClickHouse } from "../../../tests/support/chdb.js";
import { caseOf } from "../../../tests/support/insights/arbitrary.js";
import { naive } from "../../../tests/support/insights/naive.js";
import type { PlanRow } from "../../domain/insights/plan.js";
import { encodeEvents, type StoredEvent } from "../event.js";
import { openClickHouseStore, openDuckDbStore } from "./index.js";
import type { EventStore } from "./store.js";

/** Streams, each with one plan of every kind. */
const STREAMS = Number(process.env.INSIGHT_STREAMS ?? 50);

describe.runIf(process.env.REQUIRE_SUITES === "1")("no suite is skipped", () => {
  it("for want of ClickHouse's engine", () => expect(HAS_CLICKHOUSE).toBe(true));
});

let folder = "";
const stores: { name: string; store: EventStore }[] = [];
const closers: (() => Promise<unknown>)[] = [];
let tenants = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "crowsnest-plans-"));
  closers.push(() => rm(folder, { recursive: true, force: true }));
  stores.push({ name: "DuckDB", store: await openDuckDbStore({ folder }) });
  if (HAS_CLICKHOUSE) {
    const server = await startClickHouse();
    closers.unshift(() => server.stop());
    stores.push({ name: "ClickHouse", store: await openClickHouseStore({ url: server.url }) });
  }
});
afterAll(async () => {
  for (const { store } of stores) await store.close();
  for (const close of closers) await close();
});

async function keep(events: readonly StoredEvent[]): Promise<void> {
  const path = join(folder, `${++tenants}.ndjson`);
  await writeFile(path, encodeEvents(events));
  for (const { store } of stores) await store.append([path]);
}

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
        await keep(events);
        for (const plan of plans) {
          const expected = comparable(naive(plan, events, zone));
          for (const { name, store } of stores) {
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
