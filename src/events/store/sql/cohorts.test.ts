import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DAY } from "../../../base/clock.js";
import type { CohortsPlan, Step } from "../../../domain/insights/plan.js";
import { bound } from "../duckdb-values.js";
import { DUCKDB } from "./duckdb-dialect.js";
import { planQuery } from "./index.js";

const START = Date.UTC(2026, 0, 5);
const END = START + 20 * DAY;
const STEPS: Record<string, Step> = { a: { types: ["a"] }, b: { types: ["b"] }, any: { types: null } };

describe("cohorts over whole periods", () => {
  let instance: DuckDBInstance;
  beforeAll(async () => {
    instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    await connection.run(`CREATE TABLE events AS SELECT 'default' AS tenant, chr(97 + (hash(i) % 3)::INTEGER) AS type,
      make_timestamp_ms(${START} + (hash(i * 7) % ${20 * DAY})::BIGINT)::TIMESTAMP_MS AS time, (hash(i * 13) % 50)::INTEGER AS user_key
      FROM range(600) AS r(i)`);
  });
  afterAll(() => instance.closeSync());

  const rows = async (plan: CohortsPlan) => {
    const { sql, parameters } = planQuery(plan, DUCKDB);
    const { values, types } = bound(parameters);
    const connection = await instance.connect();
    return (await connection.runAndReadAll(sql, values, types)).getRows();
  };

  for (const mode of ["exact", "onOrAfter", "brackets"] as const) {
    for (const returning of Object.keys(STEPS)) {
      it(`are the same as moment by moment: ${mode}, first a, again ${returning}`, async () => {
        const plan: CohortsPlan = {
          kind: "cohorts",
          selection: { tenant: "default", from: null, to: END, types: null, clock: [{ from: 0, offset: 0 }] } as never,
          start: STEPS.a as Step,
          returning: STEPS[returning] as Step,
          from: START,
          to: END,
          cohortBy: { period: "day" },
          period: "day",
          mode,
          brackets: [0, 1, 3, 7],
          maxPeriod: 15,
          whole: true,
        };
        const whole = await rows(plan);
        expect(whole.length).toBeGreaterThan(20);
        expect(whole).toEqual(await rows({ ...plan, whole: false }));
      });
    }
  }
});
