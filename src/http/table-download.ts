import { type Asker, type MetricsQuestion, type Table, tableOf } from "../analytics/index.js";
import { GRANULARITIES, type Granularity } from "../base/calendar.js";
import { PublicError } from "../base/errors.js";
import type { Principal } from "../domain/access/scope.js";
import { type Filter, OPERATORS } from "../domain/insights/filters.js";
import type { Services } from "../graphql/index.js";

type Query = Readonly<Record<string, string | undefined>>;

export const TABLE_PARAMETERS = {
  ids: "Metrics by id, separated by commas; `metricCatalogue` has them.",
  formulas:
    'Arithmetic over metrics, as JSON: `[{"id": "per_user", "expression": "events.events / events.active_users"}]`.',
  group_by: "Dimensions, separated by commas.",
  granularity: "Length of the periods: hour, day, week, month, quarter or year.",
  start: "A day or a moment; 30 days before the end when left out.",
  end: "A day, which is included whole, or a moment; now when left out.",
  zone: "IANA time zone; UTC when left out.",
  filters: 'Conditions, as JSON: `[{"dimension": "country", "values": ["NG"]}]`.',
  sample: "Share of the users to look at, above 0 up to 1; counts are raised to all.",
};

async function opened(services: Services, principal: Principal, query: Query): Promise<{ asker: Asker; table: Table }> {
  const sample = query.sample === undefined ? null : Number(query.sample);
  const asker = await services.analytics.asker(services.newViewer(principal), { sample });
  return { asker, table: tableOf(asker, questionOf(query)) };
}

export async function metricsTable(services: Services, principal: Principal, query: Query): Promise<Table> {
  return (await opened(services, principal, query)).table;
}

/** In the order of periods and dimensions. */
export async function* tablePages(
  services: Services,
  principal: Principal,
  query: Query,
): AsyncGenerator<Record<string, unknown>[]> {
  const { asker, table } = await opened(services, principal, query);
  for await (const batch of asker.stream(table.plan)) {
    yield batch.map((row) => {
      const cells = table.row(row);
      return Object.fromEntries(table.columns.map(({ id }, i) => [id, cells[i]]));
    });
  }
}

function questionOf(query: Query): MetricsQuestion {
  return {
    ids: listOf(query.ids),
    formulas: jsonOf(query.formulas, "formulas", isFormula),
    groupBy: listOf(query.group_by),
    granularity: granularityOf(query.granularity),
    range: { start: query.start, end: query.end, zone: query.zone },
    filters: jsonOf(query.filters, "filters", isFilter),
  };
}

function listOf(text: string | undefined): string[] {
  return (text ?? "").split(",").flatMap((item) => item.trim() || []);
}

function granularityOf(text: string | undefined): Granularity | null {
  if (!text) return null;
  const found = GRANULARITIES.find((granularity) => granularity === text.toLowerCase());
  if (found) return found;
  throw new PublicError("BAD_USER_INPUT", `granularity must be one of ${GRANULARITIES.join(", ")}, got "${text}"`, {
    field: "granularity",
  });
}

function jsonOf<T>(text: string | undefined, field: string, isOne: (value: unknown) => value is T): T[] {
  if (!text) return [];
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value) && value.every(isOne)) return value;
  } catch {
    // Told below.
  }
  throw new PublicError("BAD_USER_INPUT", `${field} must be a JSON array, as the docs show it`, { field });
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
const isText = (value: unknown): value is string => typeof value === "string";

function isFilter(value: unknown): value is Filter {
  if (!isObject(value) || !isText(value.dimension)) return false;
  const values = value.values ?? [];
  return Array.isArray(values) && values.every(isText) && (value.operator === undefined || isOperator(value.operator));
}

function isOperator(value: unknown): boolean {
  return isText(value) && (OPERATORS as readonly string[]).includes(value);
}

function isFormula(value: unknown): value is { id: string; expression: string } {
  return isObject(value) && isText(value.id) && isText(value.expression);
}
