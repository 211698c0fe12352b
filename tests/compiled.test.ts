import { getIntrospectionQuery } from "graphql";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Role } from "../src/domain/access/roles.js";
import { type Gateway, startGateway } from "./support/gateway.js";
import { HAS_UPSTREAMS, startUpstreams, type Upstreams } from "./support/standins.js";

type Case = readonly [query: string, variables?: Record<string, unknown>, role?: Role];

const VEHICLE = "id vin make model status odometerKm lastSeenAt position { latitude region }";
const CASES: Readonly<Record<string, Case>> = {
  "a list": [
    `{ vehicles(first: 5) { totalCount pageInfo { hasNextPage endCursor } edges { cursor node { ${VEHICLE} } } } }`,
  ],
  "lists within lists": [
    `{ vehicles(first: 3) { nodes { id health { score status computedAt components { type score alerts(first: 1) { nodes { title severity createdAt } } } } } } }`,
  ],
  fragments: [
    `query ($id: ID!) { vehicle(id: $id) { ...All } } fragment All on Vehicle { ${VEHICLE} warranty { ...W } } fragment W on WarrantyCoverage { coverageType daysRemaining }`,
    { id: "V001" },
  ],
  "aliases and directives": [
    `query ($with: Boolean!) { a: vehicle(id: "V001") { id health @include(if: $with) { score } } b: vehicle(id: "V002") { id make @skip(if: $with) model } }`,
    { with: true },
  ],
  "directives the other way": [
    `query ($with: Boolean!) { a: vehicle(id: "V001") { id health @include(if: $with) { score } } b: vehicle(id: "V002") { id make @skip(if: $with) model } }`,
    { with: false },
  ],
  figures: [
    `{ fleetHealth(range: { start: "2015-06-01", end: "2015-06-30" }) { averageHealthScore coverage { vehiclesKnown vehiclesWithData } warnings { source error } } }`,
  ],
  "figures of a view": [
    `{ fleet(range: { start: "2015-06-01", end: "2015-06-30" }) { summary { totalVehicles averageHealthScore } healthDistribution { excellent good fair poor critical } coverage { vehiclesKnown } } }`,
  ],
  "something that is not there": ['{ vehicle(id: "nowhere") { id } version }'],
  "something that may not be seen": ["{ vehicles(first: 1) { nodes { id } } version }", {}, "EXECUTIVE"],
  "a part that may not be seen": [
    '{ fleet(range: { start: "2015-06-01", end: "2015-06-30" }) { summary { totalVehicles } cost { totalCostAvoidance } } }',
    {},
    "SUPPORT",
  ],
  masks: ['{ vehicle(id: "V001") { id vin ownerId } }', {}, "SUPPORT"],
  "a variable that does not fit": [
    "query ($first: Int) { vehicles(first: $first) { nodes { id } } }",
    { first: "many" },
  ],
  "a variable that is missing": ["query ($id: ID!) { vehicle(id: $id) { id } }"],
  "a default": ["query ($first: Int = 2) { vehicles(first: $first) { nodes { id } } }"],
  "an argument out of bounds": ["{ vehicles(first: 100000) { nodes { id } } }"],
  metrics: [
    '{ metrics(ids: ["events.events"], range: { start: "2026-01-01", end: "2026-01-31" }, granularity: WEEK) { period { start } series { points { name value partial } } } }',
  ],
  insights: [
    '{ insights { funnel(range: { start: "2026-01-01", end: "2026-01-31" }, steps: [{ types: ["a"] }, { types: ["b"] }]) { groups { steps { users } } } } }',
  ],
  "an unknown zone": ['{ insights { activeUsers(range: { zone: "Mars" }) { days { dau } } } }'],
  "the schema": [getIntrospectionQuery()],
};

describe.skipIf(!HAS_UPSTREAMS)("compiled operations", () => {
  let upstreams: Upstreams;
  let gateway: Gateway;
  beforeAll(async () => {
    upstreams = await startUpstreams("--bulk");
    gateway = await startGateway(upstreams, { RESPONSE_CACHE_MAX_BYTES: "0" });
  }, 60_000);
  afterAll(async () => {
    await gateway?.stop();
    await upstreams?.stop();
  });

  it.each(Object.entries(CASES))("answer as interpreted ones: %s", async (_what, [query, variables = {}, role]) => {
    const ask = () => gateway.graphql(query, variables, role ?? "FLEET_MANAGER");
    // The first time an operation is interpreted, from the second time on it is compiled.
    const interpreted = await ask();
    const compiled = await ask();
    const again = await ask();
    expect(compiled.status).toBe(interpreted.status);
    expect(compiled.body).toEqual(interpreted.body);
    expect(again.body).toEqual(interpreted.body);
    expect(Object.keys(compiled.body)).toEqual(Object.keys(interpreted.body));
    expect(compiled.headers["content-type"]).toBe(interpreted.headers["content-type"]);
  });
});
