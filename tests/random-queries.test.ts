import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DAY } from "../src/base/clock.js";
import { createSchema } from "../src/graphql/index.js";
import { type Gateway, startGateway } from "./support/gateway.js";
import { randomQuery } from "./support/random-queries.js";
import { HAS_UPSTREAMS, PDM_NOW, startUpstreams, type Upstreams } from "./support/standins.js";

const QUERIES = Number(process.env.RANDOM_QUERIES ?? 200);
const schema = createSchema();

describe.skipIf(!HAS_UPSTREAMS)(`${QUERIES} random queries`, () => {
  let upstreams: Upstreams;
  let gateway: Gateway;
  beforeAll(async () => {
    upstreams = await startUpstreams("--bulk");
    gateway = await startGateway(upstreams, { RESPONSE_CACHE_MAX_BYTES: "0", AUDIT: "off" });
  }, 60_000);
  afterAll(async () => {
    await gateway?.stop();
    await upstreams?.stop();
  });

  it("are never answered with a failure of ours, and the same however they are executed", async () => {
    const told = { data: 0, errors: 0, refused: 0 };
    for (let seed = 1; seed <= QUERIES; seed++) {
      const { query, variables } = randomQuery(schema, seed);
      const ask = () => gateway.graphql(query, variables, "ADMIN");
      // Interpreted, then as text: put together from what was made before from the second time on.
      const [first, second, third] = [await ask(), await ask(), await ask()];
      const codes = first.body.errors?.map(({ extensions }: { extensions: { code: string } }) => extensions.code) ?? [];
      expect(first.status, `seed ${seed}: ${query}`).toBeLessThan(500);
      expect(codes, `seed ${seed}: ${query}`).not.toContain("INTERNAL_SERVER_ERROR");
      expect(timeless(second.body), `seed ${seed}: ${query}`).toEqual(timeless(first.body));
      expect(timeless(third.body), `seed ${seed}: ${query}`).toEqual(timeless(first.body));
      told[first.status >= 400 ? "refused" : first.body.errors ? "errors" : "data"] += 1;
    }
    expect(told.data).toBeGreaterThan(QUERIES / 4);
  }, 3_600_000);
});

/** The fleet lives ten years ago: what is not, is about now. */
const LATELY = 400 * DAY;
/** What it takes for now, which goes on while questions are asked. */
const IN_THE_FLEET = Date.parse(PDM_NOW);
const OF_THE_MOMENT = new Set(["cached", "ageSeconds"]);

/** Without what says when, and whether it had to be fetched. Which errors are told beside a null of theirs is left to executors. */
function timeless({ data, errors }: { data?: unknown; errors?: unknown[] }): unknown {
  return { data: withoutTimes(data), hasErrors: errors !== undefined };
}

function withoutTimes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutTimes);
  if (typeof value === "string" && Math.abs(Date.parse(value) - Date.now()) < LATELY) return "lately";
  if (typeof value === "string" && Math.abs(Date.parse(value) - IN_THE_FLEET) < DAY) return "now";
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, each]) => (OF_THE_MOMENT.has(key) ? [] : [[key, withoutTimes(each)]])),
  );
}
