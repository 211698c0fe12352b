import { type GraphQLObjectType, type GraphQLOutputType, getNamedType, isNonNullType, isObjectType } from "graphql";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROLES, type Role } from "../src/domain/access/roles.js";
import { createSchema } from "../src/graphql/index.js";
import { readEndpoints } from "../src/http/documents.js";
import { type Gateway, startGateway, tokenFor } from "./support/gateway.js";
import { HAS_UPSTREAMS, startUpstreams, type Upstreams } from "./support/standins.js";

/** Roles by their first letters: owner, manager, technician, admin, executive, support. */
const LETTERS: Readonly<Record<Role, string>> = {
  VEHICLE_OWNER: "O",
  FLEET_MANAGER: "M",
  TECHNICIAN: "T",
  ADMIN: "A",
  EXECUTIVE: "E",
  SUPPORT: "S",
};
const ALL = "OMTAES";

/** Who may ask for what, written down a second time: a root field that is missing here fails. */
const QUERIES: Readonly<Record<string, string>> = {
  alertMetrics: "MAES",
  apiKeys: ALL,
  appointment: "OMTAS",
  auditLog: "A",
  bookings: "A",
  component: "OMTAS",
  costMetrics: "MAE",
  deadLetter: "A",
  deadLetters: "A",
  documents: "MAE",
  erasure: "A",
  eventCounts: "MAE",
  eventTypes: ALL,
  events: "A",
  executiveDashboard: "AE",
  fleet: "MAS",
  fleetHealth: "MAES",
  fleets: "A",
  insights: "MAE",
  me: ALL,
  memberships: ALL,
  metricCatalogue: ALL,
  metricTable: "MAE",
  metrics: "MAE",
  ownerDashboard: "MAS",
  product: ALL,
  rides: "MAE",
  roles: ALL,
  sessions: ALL,
  slots: "OMA",
  technicianDashboard: "MA",
  tenant: ALL,
  tenants: "A",
  uptimeMetrics: "MAE",
  user: "A",
  userActivity: "A",
  userPermissions: "A",
  users: "A",
  vehicle: "OMTAS",
  vehicles: "OMTAS",
  version: ALL,
  warrantyMetrics: "MAE",
};
const MUTATIONS: Readonly<Record<string, string>> = {
  alertAcknowledge: "OMTA",
  alertResolve: "OMTA",
  analyticsCacheClear: "A",
  apiKeyCreate: ALL,
  apiKeyRevoke: ALL,
  appointmentBook: "OMA",
  appointmentCancel: "OMA",
  appointmentReschedule: "OMA",
  deadLettersPurge: "A",
  deadLettersReplay: "A",
  eventsIngest: ALL,
  fleetAssign: "A",
  fleetRelease: "A",
  login: ALL,
  logout: ALL,
  passwordChange: ALL,
  roleCreate: "A",
  roleDelete: "A",
  roleUpdate: "A",
  sessionRevoke: ALL,
  subjectErase: "A",
  tenantCreate: "A",
  tenantDisable: "A",
  tenantUpdate: "A",
  tokenRefresh: ALL,
  userCreate: "A",
  userInvite: "A",
  userRemove: "A",
  userUpdate: "A",
};
/** What only administrators of the default tenant may do. */
const OPERATORS = new Set(["tenants", "fleetAssign", "fleetRelease", "tenantCreate", "tenantDisable"]);
/** Fields below the root that not everybody may read who gets so far. */
const BELOW: Readonly<Record<string, string>> = {
  "Appointment.cost": "OMAE",
  "Claim.estimatedCoverage": "OMAE",
  "Claim.estimatedDeductible": "OMAE",
  "Claim.payoutAmount": "OMAE",
  "Claim.repairCostEstimate": "OMAE",
  "Decision.estimatedCost": "OMAE",
  "Decision.estimatedCostText": "OMAE",
  "Fleet.cost": "OMAE",
  "ServiceRecord.cost": "OMAE",
  "TopIssue.estimatedTotalCost": "OMAE",
  "WarrantyMetrics.totalPayouts": "OMAE",
  "Tenant.createdAt": "A",
  "Tenant.disabled": "A",
  "Tenant.fleets": "A",
};

const schema = createSchema();
const YEAR = 'range: { start: "2015-01-01", end: "2015-12-31" }';
const OTHER = "acme";
const TENANTS = ["default", OTHER] as const;
type TenantName = (typeof TENANTS)[number];
/** Of the four fleets of the data, this one is the other tenant's. */
const THEIRS = "fleet_2";

/** Arguments of the root fields that need some, about a vehicle and what belongs to it. */
function argumentsOf(field: string, about: Subject): string {
  const { vehicle, appointment } = about;
  const given: Record<string, string> = {
    appointment: `id: "${appointment}"`,
    component: `vehicleId: "${vehicle}", type: "engine"`,
    metrics: 'ids: ["events.events", "fleet.alerts_created"], groupBy: ["subject"], granularity: MONTH, fill: NONE',
    metricTable: 'ids: ["events.events"], groupBy: ["subject", "properties.vehicle_id"]',
    deadLetter: 'id: "none"',
    erasure: 'id: "none"',
    ownerDashboard: 'userId: "owner_1"',
    slots: `input: { vehicleId: "${vehicle}", serviceType: "engine_repair" }`,
    technicianDashboard: `id: "tech_001", ${YEAR}`,
    user: 'id: "somebody"',
    userActivity: 'userId: "somebody"',
    userPermissions: 'id: "somebody"',
    vehicle: `id: "${vehicle}"`,
    vehicles: "first: 100",
    ...Object.fromEntries(
      ["alertMetrics", "costMetrics", "uptimeMetrics", "warrantyMetrics", "executiveDashboard", "fleet"].map((name) => [
        name,
        YEAR,
      ]),
    ),
  };
  return given[field] ? `(${given[field]})` : "";
}

interface Subject {
  readonly vehicle: string;
  readonly appointment: string;
}

/** Those who run the gateway know whose fleets are whose; and the examples of events name some vehicle. */
function mayTell(field: string, tenant: TenantName): string[] {
  if (field === "eventTypes") return tenant === "default" ? [] : ["V001", "fleet_1"];
  return tenant === "default" && (field === "tenants" || field === "auditLog") ? [THEIRS] : [];
}

/** Everything that can be asked for without arguments, so many levels deep. */
function everything(type: GraphQLOutputType, depth: number): string {
  const named = getNamedType(type);
  if (!isObjectType(named) || depth === 0) return "";
  const fields = Object.values((named as GraphQLObjectType).getFields()).flatMap((field) => {
    if (field.args.some((arg) => isNonNullType(arg.type) && arg.defaultValue === undefined)) return [];
    const inner = isObjectType(getNamedType(field.type)) ? everything(field.type, depth - 1) : "";
    if (isObjectType(getNamedType(field.type)) && inner === "") return [];
    return [`${field.name}${inner}`];
  });
  return fields.length === 0 ? "" : `{ __typename ${fields.join(" ")} }`;
}

describe.skipIf(!HAS_UPSTREAMS)("two tenants over the same upstream services", () => {
  let upstreams: Upstreams;
  let gateway: Gateway;
  /** Ids of vehicles and fleets by tenant. */
  const owned: Record<TenantName, Set<string>> = { default: new Set(), [OTHER]: new Set() };
  const subject: Record<TenantName, Subject> = {
    default: { vehicle: "V001", appointment: "" },
    [OTHER]: { vehicle: "", appointment: "" },
  };

  const ask = async (query: string, role: Role, tenant: TenantName, claims: Record<string, unknown> = {}) => {
    const authorization = `Bearer ${tokenFor(role, { tenant_id: tenant, ...claims })}`;
    const payload = { query };
    const reply = await gateway.app.server.inject({
      method: "POST",
      url: "/graphql",
      headers: { authorization },
      payload,
    });
    return { status: reply.statusCode, text: reply.body, ...reply.json() };
  };
  const other = (tenant: TenantName): TenantName => (tenant === OTHER ? "default" : OTHER);
  /** What an answer names that is the other tenant's. */
  const leaks = (text: string, tenant: TenantName, field = ""): string[] =>
    [...new Set(text.match(/\bV\d{3}\b|\bfleet_\d\b/g))].filter(
      (id) => owned[other(tenant)].has(id) && !mayTell(field, tenant).includes(id),
    );

  beforeAll(async () => {
    upstreams = await startUpstreams("--bulk");
    gateway = await startGateway(upstreams, { RATE_LIMIT: "off" });
    const list = await ask(
      "{ vehicles(first: 100) { nodes { id fleetId appointments(first: 1) { nodes { id } } } } }",
      "ADMIN",
      "default",
    );
    await ask(
      `mutation { tenantCreate(input: { id: "${OTHER}", name: "Acme", adminUsername: "boss", adminPassword: "a fine password" }) { errors { message } } }`,
      "ADMIN",
      "default",
    );
    const assigned = await ask(
      `mutation { fleetAssign(tenantId: "${OTHER}", fleetId: "${THEIRS}", name: "Two") { errors { message } } }`,
      "ADMIN",
      "default",
    );
    expect(assigned.data.fleetAssign.errors).toEqual([]);
    for (const { id, fleetId, appointments } of list.data.vehicles.nodes) {
      const tenant = fleetId === THEIRS ? OTHER : "default";
      owned[tenant].add(id).add(fleetId);
      if (appointments.nodes.length > 0) subject[tenant] = { vehicle: id, appointment: appointments.nodes[0].id };
    }
  });
  afterAll(async () => {
    await gateway?.stop();
    await upstreams?.stop();
  });

  it("the table of this suite has every root field", () => {
    expect(Object.keys(schema.getQueryType()?.getFields() ?? {}).sort()).toEqual(Object.keys(QUERIES).sort());
    expect(Object.keys(schema.getMutationType()?.getFields() ?? {}).sort()).toEqual(Object.keys(MUTATIONS).sort());
    // Told apart by tenant in tests/subscriptions.test.ts.
    expect(Object.keys(schema.getSubscriptionType()?.getFields() ?? {})).toEqual(["eventAccepted"]);
  });

  it("the data has vehicles of both", () => {
    expect(owned.default.size).toBeGreaterThan(20);
    expect(owned[OTHER].size).toBeGreaterThan(10);
    expect([subject.default.appointment, subject[OTHER].appointment]).not.toContain("");
  });

  const mayAsk = (table: Readonly<Record<string, string>>, field: string, role: Role, tenant: TenantName): boolean =>
    (table[field] ?? "").includes(LETTERS[role]) && (tenant === "default" || !OPERATORS.has(field));

  describe.each(Object.entries(QUERIES))("%s", (field) => {
    // The administrator first: whatever there is to be warmed is warm when the others ask.
    const cells = ROLES.toSorted((a, b) => Number(b === "ADMIN") - Number(a === "ADMIN")).flatMap((role) =>
      TENANTS.map((tenant) => ({ role, tenant })),
    );

    it("answers each role as the table says, and tells nothing of the other tenant", async () => {
      const type = schema.getQueryType()?.getFields()[field]?.type as GraphQLOutputType;
      const cost = field === "vehicles" ? 3 : 4;
      // All at once: what is under way for one must not answer another.
      const answers = await Promise.all(
        cells.map(async ({ role, tenant }) => {
          const query = `{ ${field}${argumentsOf(field, subject[tenant])} ${everything(type, cost)} }`;
          return { role, tenant, ...(await ask(query, role, tenant)) };
        }),
      );
      for (const { role, tenant, data, errors = [], text } of answers) {
        const label = `${role} of ${tenant}`;
        const may = mayAsk(QUERIES, field, role as Role, tenant);
        const atRoot = errors.filter((error: { path?: unknown[] }) => error.path?.length === 1);
        const refused = atRoot.some((error: { extensions: { code: string } }) => error.extensions.code === "FORBIDDEN");
        expect(refused, label).toBe(!may);
        if (!may) expect(data?.[field] ?? null, label).toBeNull();
        expect(leaks(text, tenant, field), label).toEqual([]);
        // The services of the data have no slots.
        const codes = field === "slots" ? ["FORBIDDEN", "UPSTREAM_UNAVAILABLE"] : ["FORBIDDEN", "NOT_FOUND"];
        for (const error of errors) expect(codes, `${label}: ${error.message}`).toContain(error.extensions.code);
        expectBelow(role, errors, label);
      }
    });

    /** Fields below the root that were refused, by type: exactly those of the table. */
    function expectBelow(role: Role, errors: { message: string; path?: unknown[] }[], label: string): void {
      const refused = errors
        .filter((error) => (error.path?.length ?? 0) > 1)
        .map((error) => /may not read (\w+\.\w+)/.exec(error.message)?.[1] ?? error.message);
      for (const name of new Set(refused)) {
        expect(BELOW[name] ?? ALL, `${label}: ${name}`).not.toContain(LETTERS[role]);
      }
    }
  });

  it.each(
    Object.entries(BELOW).filter(([name]) => !name.startsWith("Tenant.")),
  )("refuses %s below the root to all but %s", async (name, allowed) => {
    const [typeName = "", field = ""] = name.split(".");
    const { ACCESS_RULES } = await import("../src/domain/access/rules.js");
    expect(ACCESS_RULES[typeName]?.[field]?.roles.map((role) => LETTERS[role]).toSorted()).toEqual([...allowed].sort());
  });

  it.each(TENANTS)("ids of the other tenant are answered like ids that do not exist: %s", async (tenant) => {
    const { vehicle, appointment } = subject[other(tenant)];
    const [one = ""] = [...owned[other(tenant)]].filter((id) => id.startsWith("fleet_"));
    const questions: ((id: string) => string)[] = [
      (id) => `{ vehicle(id: "${id || vehicle}") { id } }`,
      (id) => `{ component(vehicleId: "${id || vehicle}", type: "engine") { score } }`,
      (id) => `{ slots(input: { vehicleId: "${id || vehicle}", serviceType: "engine_repair" }) { startsAt } }`,
      (id) => `{ fleet(vehicleId: "${id || vehicle}") { summary { totalVehicles } } }`,
      (id) => `{ fleetHealth(filter: { vehicleId: "${id || vehicle}" }) { averageHealthScore } }`,
      (id) => `{ appointment(id: "${id || appointment}") { id vehicleId } }`,
      (id) =>
        `mutation { appointmentCancel(input: { id: "${id || appointment}" }) { appointment { id } errors { code message field } } }`,
      (id) =>
        `mutation { appointmentBook(input: { vehicleId: "${id || vehicle}", serviceType: "x", scheduledAt: "2016-02-01T00:00:00Z" }) { appointment { id } errors { code message field } } }`,
    ];
    for (const question of questions) {
      const [real, none] = await Promise.all([
        ask(question(""), "ADMIN", tenant),
        ask(question("X999"), "ADMIN", tenant),
      ]);
      const named = (text: string) => text.replaceAll(appointment, "ID").replaceAll(/X999|V\d{3}/g, "ID");
      expect(named(real.text), question("")).toBe(named(none.text));
    }
    const alerts = await ask(`{ vehicles(first: 1, filter: { fleetId: "${one}" }) { totalCount } }`, "ADMIN", tenant);
    expect(alerts.data?.vehicles ?? null).toBeNull();
  });

  it("alerts of the other tenant are neither told nor changed", async () => {
    const found = await ask(
      `{ vehicle(id: "${subject.default.vehicle}") { alerts(first: 1) { nodes { id } } } }`,
      "ADMIN",
      "default",
    );
    const id = found.data.vehicle.alerts.nodes[0]?.id ?? "";
    expect(id).not.toBe("");
    const change = (alert: string) =>
      ask(
        `mutation { alertAcknowledge(input: { id: "${alert}" }) { alert { id } errors { code message } } }`,
        "ADMIN",
        OTHER,
      );
    const [real, none] = [await change(id), await change("no_such_alert")];
    expect(real.text.replaceAll(id, "ID")).toBe(none.text.replaceAll("no_such_alert", "ID"));
  });

  it("a cursor of one tenant leads to nothing of it in the other", async () => {
    const first = await ask("{ vehicles(first: 10) { pageInfo { endCursor } totalCount } }", "ADMIN", "default");
    const { totalCount, pageInfo } = first.data.vehicles;
    const next = await ask(
      `{ vehicles(first: 500, after: "${pageInfo.endCursor}") { totalCount nodes { id } } }`,
      "ADMIN",
      OTHER,
    );
    expect(leaks(next.text, OTHER)).toEqual([]);
    expect(next.errors).toBeUndefined();
    expect(totalCount + next.data.vehicles.totalCount).toBe(100);
  });

  it("figures of the two add up to those of all", async () => {
    const figures = async (tenant: TenantName) => {
      const { data } = await ask(
        `{ alertMetrics(${YEAR}) { totalAlerts } warrantyMetrics(${YEAR}) { totalClaims } uptimeMetrics(${YEAR}) { totalVehicles } }`,
        "ADMIN",
        tenant,
      );
      return [
        data.alertMetrics.totalAlerts,
        data.warrantyMetrics.totalClaims,
        data.uptimeMetrics.totalVehicles,
      ] as number[];
    };
    const [ours, theirs] = [await figures("default"), await figures(OTHER)];
    const alone = await startGateway(upstreams);
    const whole = await alone.graphql(
      `{ alertMetrics(${YEAR}) { totalAlerts } warrantyMetrics(${YEAR}) { totalClaims } uptimeMetrics(${YEAR}) { totalVehicles } }`,
    );
    await alone.stop();
    const { alertMetrics, warrantyMetrics, uptimeMetrics } = whole.body.data;
    expect(ours.map((count, i) => count + (theirs[i] ?? 0))).toEqual([
      alertMetrics.totalAlerts,
      warrantyMetrics.totalClaims,
      uptimeMetrics.totalVehicles,
    ]);
  });

  it("users, keys, roles, sessions, audit and events of one are unknown in the other", async () => {
    const make = await ask(
      `mutation {
        userCreate(input: { username: "secret-user", password: "a fine password", roleId: "SUPPORT" }) { user { id } errors { message } }
        roleCreate(input: { name: "secret-role", base: SUPPORT, permissions: [] }) { role { id } errors { message } }
        eventsIngest(input: { events: [{ id: "secret-event", type: "vehicle.health.changed", subject: "V001", userId: "secret-person", properties: { vehicle_id: "V001" } }] }) { accepted errors { message } }
      }`,
      "ADMIN",
      "default",
    );
    const userId = make.data.userCreate.user.id;
    const roleId = make.data.roleCreate.role.id;
    const all = await ask(
      `{ users { totalCount nodes { username } } roles { name } apiKeys { name } sessions { id } auditLog(limit: 1000) { total items { resource details } } events { nodes { id } } eventCounts { events } deadLetters { totalCount } me { id } tenant { id } }`,
      "ADMIN",
      OTHER,
    );
    for (const secret of ["secret-", userId, roleId]) expect(all.text).not.toContain(secret);
    expect(all.data.users.nodes).toEqual([{ username: "boss" }]);
    for (const mutation of [
      `userUpdate(input: { id: "${userId}", roleId: "ADMIN" }) { user { id } errors { code } }`,
      `userRemove(id: "${userId}") { user { id } errors { code } }`,
      `roleDelete(id: "${roleId}") { role { id } errors { code } }`,
      `roleUpdate(id: "${roleId}", permissions: []) { role { id } errors { code } }`,
    ]) {
      const { text } = await ask(`mutation { ${mutation} }`, "ADMIN", OTHER);
      expect(text, mutation).toContain("NOT_FOUND");
    }
  });

  it.each(Object.entries(MUTATIONS).filter(([, allowed]) => allowed !== ALL))("%s is for %s", async (field) => {
    const inputs: Record<string, string> = {
      alertAcknowledge: 'input: { id: "none" }',
      alertResolve: 'input: { id: "none" }',
      analyticsCacheClear: 'pattern: "*"',
      appointmentBook: 'input: { vehicleId: "X", serviceType: "x", scheduledAt: "2016-02-01T00:00:00Z" }',
      appointmentCancel: 'input: { id: "none" }',
      appointmentReschedule: 'input: { id: "none", scheduledAt: "2016-02-01T00:00:00Z" }',
      deadLettersPurge: "input: { filter: {} }",
      deadLettersReplay: "input: { filter: {} }",
      fleetAssign: 'tenantId: "none", fleetId: "x", name: "x"',
      fleetRelease: 'tenantId: "none", fleetId: "x"',
      roleCreate: 'input: { name: "", base: SUPPORT, permissions: [] }',
      roleDelete: 'id: "none"',
      roleUpdate: 'id: "none", permissions: []',
      subjectErase: 'input: { userId: "" }',
      tenantCreate: 'input: { id: "", name: "", adminUsername: "", adminPassword: "" }',
      tenantDisable: 'id: "none"',
      tenantUpdate: 'input: { logoUrl: "none" }',
      userCreate: 'input: { username: "", password: "", roleId: "" }',
      userInvite: 'input: { id: "none", roleId: "" }',
      userRemove: 'id: "none"',
      userUpdate: 'input: { id: "none" }',
    };
    for (const role of ROLES) {
      for (const tenant of TENANTS) {
        const { errors = [], text } = await ask(
          `mutation { ${field}(${inputs[field]}) { errors { code } } }`,
          role,
          tenant,
        );
        const may = mayAsk(MUTATIONS, field, role, tenant);
        const codes = errors.map((error: { extensions: { code: string } }) => error.extensions.code);
        expect(
          codes.includes("FORBIDDEN") && text.includes("may not read Mutation"),
          `${role} of ${tenant}: ${text}`,
        ).toBe(!may);
      }
    }
  });

  const endpoints = readEndpoints(schema);
  it.each(
    endpoints.filter(({ method }) => method === "GET").map((endpoint) => [endpoint.path, endpoint] as const),
  )("GET %s answers as its root field does, and leaks nothing", async (path, { operation }) => {
    const [selection] = operation.selectionSet.selections;
    const field = selection?.kind === "Field" ? selection.name.value : "";
    const url =
      path.replaceAll(/\{\w+\}/g, "somebody") +
      (/metrics|^\/v1\//.test(path) ? "?start_date=2015-01-01&end_date=2015-12-31&metric=bookings" : "");
    for (const role of ROLES) {
      for (const tenant of TENANTS) {
        const authorization = `Bearer ${tokenFor(role, { tenant_id: tenant })}`;
        const reply = await gateway.app.server.inject({ url, headers: { authorization } });
        const may = mayAsk(QUERIES, field, role, tenant);
        expect(reply.statusCode === 403, `${role} of ${tenant}: ${reply.statusCode}`).toBe(!may);
        expect(leaks(reply.body, tenant, field), `${role} of ${tenant}`).toEqual([]);
      }
    }
  });

  it("keeps a technician to the vehicles of the own jobs, and each tenant's figures of one to its own vehicles", async () => {
    const query =
      "{ vehicles(first: 100) { nodes { id appointments(first: 500) { nodes { scheduledAt technicianId } } } } }";
    const assigned = new Map<string, Set<string>>();
    for (const { id, appointments } of (await ask(query, "ADMIN", "default")).data.vehicles.nodes) {
      for (const { scheduledAt, technicianId } of appointments.nodes) {
        if (!technicianId || scheduledAt < "2015-01-02") continue;
        assigned.set(technicianId, (assigned.get(technicianId) ?? new Set()).add(id));
      }
    }
    const [technician, own] = [...assigned].toSorted(([, a], [, b]) => a.size - b.size)[0] as [string, Set<string>];
    const claims = { user_id: technician };
    const list = await ask("{ vehicles(first: 100) { nodes { id } } }", "TECHNICIAN", "default", claims);
    expect(list.data.vehicles.nodes.map(({ id }: { id: string }) => id).toSorted()).toEqual([...own].toSorted());
    const [vehicle] = own;
    const nobody = { user_id: "tech_without_jobs" };
    const none = await ask(
      `{ vehicles { totalCount } vehicle(id: "${vehicle}") { id } }`,
      "TECHNICIAN",
      "default",
      nobody,
    );
    expect(none.data).toEqual({ vehicles: { totalCount: 0 }, vehicle: null });
    const named = { ...nobody, vehicle_ids: [vehicle] };
    expect((await ask(`{ vehicle(id: "${vehicle}") { id } }`, "TECHNICIAN", "default", named)).data.vehicle).toEqual({
      id: vehicle,
    });

    const done = async (tenant: TenantName) => {
      const dashboard = `{ technicianDashboard(id: "${technician}", ${YEAR}) { performance { jobsCompletedPeriod } } }`;
      return (await ask(dashboard, "ADMIN", tenant)).data.technicianDashboard.performance.jobsCompletedPeriod as number;
    };
    const alone = await startGateway(upstreams);
    const whole = await alone.graphql(
      `{ technicianDashboard(id: "${technician}", ${YEAR}) { performance { jobsCompletedPeriod } } }`,
    );
    await alone.stop();
    const [ours, theirs] = [await done("default"), await done(OTHER)];
    expect(ours + theirs).toBe(whole.body.data.technicianDashboard.performance.jobsCompletedPeriod);
    expect(theirs).toBeGreaterThan(0);
  });

  it("masks personal data for who only looks on", async () => {
    const query = `{ vehicle(id: "${subject.default.vehicle}") { vin ownerId } }`;
    const clear = (await ask(query, "FLEET_MANAGER", "default")).data.vehicle;
    const masked = (await ask(query, "SUPPORT", "default")).data.vehicle;
    expect(clear.vin).toMatch(/^WMAPDM\d+$/);
    expect(masked.vin).toBe(`***${clear.vin.slice(-4)}`);
    expect(masked.ownerId).toMatch(/^\*\*\*..$/);
    expect(clear.ownerId).toMatch(/^owner_\d+$/);
  });

  it("shows events row by row: only of the caller's vehicles, in counts as in lists", async () => {
    const events = ["V001", "V002", "V003"].map(
      (vehicle) =>
        `{ id: "e-${vehicle}", type: "vehicle.health.changed", subject: "${vehicle}", properties: { vehicle_id: "${vehicle}" } }`,
    );
    await ask(
      `mutation { eventsIngest(input: { events: [${events.join(", ")}, { id: "e-page", type: "page_view", properties: { page: "/" } }] }) { accepted errors { message } } }`,
      "ADMIN",
      "default",
    );
    const [owner] = [...owned.default].filter((id) => /^V00[1-3]$/.test(id));
    await gateway.app.events.settled();
    const limited = { vehicle_ids: [owner] };
    const list = await ask(
      "{ events { nodes { id subject } } eventCounts(granularity: ALL) { events } }",
      "ADMIN",
      "default",
      limited,
    );
    expect(list.data.events.nodes.map(({ subject }: { subject: string }) => subject)).toEqual(
      list.data.events.nodes.map(() => owner),
    );
    expect(list.data.events.nodes.map(({ id }: { id: string }) => id)).toContain(`e-${owner}`);
    expect(list.data.eventCounts[0].events).toBe(list.data.events.nodes.length);
    const asked = await ask(
      '{ events(filter: { subject: "V099" }) { nodes { id } } auditLog { total } deadLetters { totalCount } }',
      "ADMIN",
      "default",
      limited,
    );
    expect(asked.data?.events?.nodes ?? []).toEqual([]);
    expect(asked.errors.map((error: { message: string }) => error.message)).toEqual(
      expect.arrayContaining(["Role ADMIN may not read Query.auditLog"]),
    );
    const fleet = await ask("{ eventCounts(granularity: ALL) { events } }", "FLEET_MANAGER", OTHER, {});
    expect(fleet.data.eventCounts).toEqual([]);
  });
});
