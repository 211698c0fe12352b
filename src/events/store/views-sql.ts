import { createHash } from "node:crypto";
import type { DailyView, EventView, Measure, ViewSource, ViewType } from "./view.js";
import { EVENT_VIEWS } from "./views.js";
import { RIDES_DAILY } from "./views-rides.js";

/** What the two dialects write differently. All expressions are over a row `e` of the stored events. */
export interface ViewDialect {
  literal(text: string): string;
  quoted(name: string): string;
  /** Text of a payload field, null when it is absent or null. */
  property(path: readonly string[]): string;
  /** From text to a type; null when it is none of it. */
  cast(text: string, type: ViewType): string;
  family(): string;
  kafka(part: "partition" | "offset"): string;
  day(moment: string): string;
  figure(measure: Measure, condition: string | null): string;
}

/** The statements that make a tenant's views, and the schema or database that they are in. */
export function tenantViewStatements(
  tenant: string,
  events: string,
  dialect: ViewDialect,
): { readonly schema: string; readonly views: readonly { readonly name: string; readonly select: string }[] } {
  const schema = schemaName(tenant);
  const views = EVENT_VIEWS.map((view) => ({ name: view.name, select: eventView(view, tenant, events, dialect) }));
  const daily = RIDES_DAILY.map((view) => ({ name: view.name, select: dailyView(view, schema, dialect) }));
  return { schema, views: [...views, ...daily] };
}

/** Readable, of harmless characters only, and different for different tenants. */
export function schemaName(tenant: string): string {
  const readable = tenant
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .slice(0, 24);
  return `tenant_${readable}_${createHash("sha256").update(tenant).digest("hex").slice(0, 12)}`;
}

function eventView(view: EventView, tenant: string, events: string, dialect: ViewDialect): string {
  const columns = view.columns.map(
    ({ name, source, type }) => `${expression(source, type, dialect)} AS ${dialect.quoted(name)}`,
  );
  const types = view.types ? ` AND e.type IN (${view.types.map((type) => dialect.literal(type)).join(", ")})` : "";
  return `SELECT ${columns.join(",\n  ")}\nFROM ${events} AS e WHERE e.tenant = ${dialect.literal(tenant)}${types}`;
}

function expression(source: ViewSource, type: ViewType, dialect: ViewDialect): string {
  if ("column" in source) return `e.${source.column}`;
  if ("kafka" in source) return dialect.kafka(source.kafka);
  if ("always" in source) return String(source.always);
  const text = textOf(source, dialect);
  return type === "text" ? text : dialect.cast(text, type);
}

function textOf(source: ViewSource, dialect: ViewDialect): string {
  if ("column" in source) return `e.${source.column}`;
  if ("property" in source) return dialect.property(source.property);
  if ("firstOf" in source) {
    const candidates = source.firstOf.map((one) => `nullif(${textOf(one, dialect)}, '')`);
    return `coalesce(${[...candidates, source.otherwise === null ? "NULL" : dialect.literal(source.otherwise)].join(", ")})`;
  }
  if ("byType" in source) {
    const cases = Object.entries(source.byType).map(
      ([type, text]) => `WHEN e.type = ${dialect.literal(type)} THEN ${dialect.literal(text)}`,
    );
    return `CASE ${cases.join(" ")} END`;
  }
  if ("family" in source) return dialect.family();
  throw new Error(`No text for ${JSON.stringify(source)}`);
}

function dailyView(view: DailyView, schema: string, dialect: ViewDialect): string {
  const groups = view.groups.map(({ name, column }) => `v.${column} AS ${dialect.quoted(name)}`);
  const measures = view.measures.map((measure) => {
    const conditions = [
      ...(measure.when?.type ? [`v.event_type = ${dialect.literal(measure.when.type)}`] : []),
      ...(measure.when?.isTrue ? [`v.${measure.when.isTrue}`] : []),
    ];
    const condition = conditions.length > 0 ? conditions.join(" AND ") : null;
    return `${dialect.figure(measure, condition)} AS ${dialect.quoted(measure.name)}`;
  });
  const day = dialect.day("v.event_timestamp");
  const by = [day, ...view.groups.map(({ column }) => `v.${column}`)];
  const where = view.only ? ` WHERE v.event_type = ${dialect.literal(view.only)}` : "";
  return `SELECT ${[`${day} AS date`, ...groups, ...measures].join(",\n  ")}
FROM ${dialect.quoted(schema)}.${dialect.quoted(view.over)} AS v${where} GROUP BY ${by.join(", ")}`;
}
