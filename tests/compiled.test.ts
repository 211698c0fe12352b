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
  "records within records": [
    `{ vehicles(first: 3) { nodes { id appointments(first: 2) { nodes { id cost technician { id name } vehicle { id health { score } } } } alerts(first: 1) { edges { cursor node { id status } } } } } }`,
  ],
  "records that are not there": [
    `{ vehicles(first: 60) { nodes { id health { score components { type } } component(type: "comp1") { score status } warranty { coverageType } } } }`,
  ],
  "no records": [`{ vehicles(filter: { text: "no such vehicle" }) { totalCount nodes { id } } }`],
  "two selections of one field": [
    `{ vehicles(first: 2) { nodes { id } nodes { make } } a: vehicle(id: "V001") { id } }`,
  ],
  "fragments of the same field": [
    `{ vehicles(first: 2) { ...A ...B } } fragment A on VehicleConnection { nodes { id } } fragment B on VehicleConnection { nodes { model health { score } } }`,
  ],
  "names of types": [
    `{ __typename vehicles(first: 2) { __typename nodes { __typename id health { __typename score } ... on Vehicle { make } } } }`,
  ],
  "variables and directives within records": [
    `query ($with: Boolean!, $type: String!) { vehicles(first: 2) { nodes { id health @include(if: $with) { score } component(type: $type) { score } } } }`,
    { with: true, type: "comp2" },
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

  it("give records made for one who may see all to nobody who may not", async () => {
    const query = "{ vehicles(first: 2) { nodes { id vin ownerId health { score } } } }";
    const asked = async (role: Role) => (await gateway.graphql(query, {}, role)).body.data.vehicles.nodes;
    const clear = [await asked("ADMIN"), await asked("ADMIN"), await asked("ADMIN")];
    const masked = [await asked("SUPPORT"), await asked("SUPPORT")];
    const health = clear[0].map((node: { health: unknown }) => node.health);
    for (const nodes of masked) {
      expect(nodes.map((node: { health: unknown }) => node.health)).toEqual(health);
      expect(nodes[0].vin).not.toBe(clear[0][0].vin);
      expect(nodes[0].ownerId).not.toBe(clear[0][0].ownerId);
    }
    expect(masked[1]).toEqual(masked[0]);
    expect(await asked("ADMIN")).toEqual(clear[0]);
  });
});
