import type { Granularity, OffsetPiece } from "../../../base/calendar.js";
import { DAY, HOUR } from "../../../base/clock.js";
import type { Condition, Field, Selection, Step } from "../../../domain/insights/plan.js";
import type { Value } from "../store.js";
import type { Dialect } from "./dialect.js";

/** Times that may lie before 1970 are moved while they are divided, so that what is divided is never negative: a whole number of weeks. */
const SHIFT_DAYS = 70_000;
/** From here on no local time is negative. */
const POSITIVE = 14 * DAY;

const COLUMNS = {
  ...{ type: "e.type", user: "e.user_id", session: "e.session", subject: "e.subject", origin: "e.origin" },
  ...{ country: "e.country", region: "e.region", city: "e.city", currency: "e.currency" },
  ...{ amount: "e.amount", latitude: "e.latitude", longitude: "e.longitude" },
} as const;

const SEALED = "tenant, type, time, user_id, user_key, subject, currency, amount, properties";
const NOT_SEALED = ["id", "session", "origin", "country", "region", "city", "latitude", "longitude"];

/** Longer lists are bound as one value, which no index helps with. */
const MOST_BOUND_ONE_BY_ONE = 100;

/** A statement in the making: SQL in a dialect, with every value of a caller's as a bound parameter. Rows are `e`. */
export class Statement {
  readonly parameters: Record<string, Value> = {};
  /** In days. */
  readonly #shift: number;
  #bound = 0;

  constructor(
    readonly dialect: Dialect,
    /** How local clocks run. */
    readonly clock: readonly OffsetPiece[],
    /** No event is earlier: epoch milliseconds, null when it is not known. */
    earliest: number | null,
  ) {
    this.#shift = earliest !== null && earliest >= POSITIVE ? 0 : SHIFT_DAYS;
  }

  bind(value: Value): string {
    const name = `p${++this.#bound}`;
    this.parameters[name] = value;
    return this.dialect.placeholder(name, value);
  }

  get time(): string {
    return this.dialect.milliseconds("e.time");
  }

  /** Where a selection's events are, as `e`. */
  source({ sealed }: Selection): string {
    if (!sealed) return "events AS e";
    return `(SELECT ${SEALED}, ${NOT_SEALED.join(", ")} FROM events
    UNION ALL SELECT ${SEALED}, ${NOT_SEALED.map((column) => (column === "id" ? "'' AS id" : `NULL AS ${column}`)).join(", ")} FROM sealed) AS e`;
  }

  /** The condition that an event is one of the selection's. */
  selected(selection: Selection): string {
    const { tenant, from, to, types, where, only, sample, receivedBefore } = selection;
    const parts = [`e.tenant = ${this.bind(tenant)}`];
    if (from !== null) parts.push(`e.time >= ${this.dialect.moment(this.bind(from))}`);
    if (to !== null) parts.push(`e.time < ${this.dialect.moment(this.bind(to))}`);
    if (receivedBefore !== undefined) parts.push(`e.received < ${this.dialect.moment(this.bind(receivedBefore))}`);
    if (types) parts.push(this.#among("e.type", types));
    if (only)
      parts.push(this.#among("e.type", only.types), `coalesce(${this.#among("e.subject", only.subjects)}, false)`);
    if (where) parts.push(this.condition(where));
    if (sample !== undefined) {
      const hash = this.dialect.userHash("e.tenant", "e.user_id");
      parts.push(`e.user_id IS NOT NULL AND ${hash} < ${Math.round(sample * 10_000)}`);
    }
    return parts.join(" AND ");
  }

  /** The condition that an event is such a step. */
  isStep({ types, where }: Step): string {
    const parts = [...(types ? [this.#among("e.type", types)] : []), ...(where ? [this.condition(where)] : [])];
    return parts.length > 0 ? `(${parts.join(" AND ")})` : "true";
  }

  condition(condition: Condition): string {
    if ("all" in condition) return this.#joined(condition.all, " AND ", "true");
    if ("any" in condition) return this.#joined(condition.any, " OR ", "false");
    if ("before" in condition) return `e.time < ${this.dialect.moment(this.bind(condition.before))}`;
    if ("not" in condition) return `(NOT ${this.condition(condition.not)})`;
    return `coalesce(${this.#comparison(condition)}, false)`;
  }

  #joined(conditions: readonly Condition[], by: string, none: string): string {
    return conditions.length === 0 ? none : `(${conditions.map((each) => this.condition(each)).join(by)})`;
  }

  #comparison(
    condition: Exclude<Condition, { all: unknown } | { any: unknown } | { not: unknown } | { before: unknown }>,
  ) {
    if ("in" in condition) return this.#among(this.textOf(condition.field), condition.in);
    if ("isSet" in condition) return `${this.valueOf(condition.field)} IS NOT NULL`;
    if ("matches" in condition) {
      const [text, part] = [this.textOf(condition.field), this.bind(condition.text)];
      return condition.matches === "contains" ? this.dialect.contains(text, part) : this.dialect.startsWith(text, part);
    }
    const isTime = "property" in condition.field && condition.field.type === "time";
    const than = isTime ? this.bind(Number(condition.than)) : this.dialect.cast(this.bind(condition.than), "number");
    return `${this.valueOf(condition.field)} ${condition.is} ${than}`;
  }

  #among(expression: string, values: readonly string[]): string {
    if (values.length === 0) return "false";
    if (values.length > MOST_BOUND_ONE_BY_ONE) {
      const list = this.bind([...values]);
      return this.dialect.name === "duckdb" ? `${expression} IN (SELECT unnest(${list}))` : `${expression} IN ${list}`;
    }
    return `${expression} IN (${values.map((value) => this.bind(value)).join(", ")})`;
  }

  /** A field as its own type. */
  valueOf(field: Field): string {
    if ("column" in field) return COLUMNS[field.column];
    if ("property" in field) return this.dialect.cast(this.dialect.property(field.property), field.type);
    const text = this.textOf(field);
    return "firstOf" in field && field.type ? this.dialect.cast(text, field.type) : text;
  }

  /** A field as text: what events are grouped by. */
  textOf(field: Field): string {
    if ("firstOf" in field) {
      const candidates = field.firstOf.map((each) => `nullif(${this.textOf(each)}, '')`);
      return `coalesce(${[...candidates, field.otherwise === undefined ? "NULL" : this.bind(field.otherwise)].join(", ")})`;
    }
    if ("part" in field) return this.dialect.text(this.#part(field.part));
    if ("property" in field) {
      const text = this.dialect.property(field.property);
      return field.type === "text" ? text : this.dialect.text(this.dialect.cast(text, field.type));
    }
    const column = COLUMNS[field.column];
    return isText(field.column) ? column : this.dialect.text(column);
  }

  /** The number of the bucket that a moment (epoch milliseconds) lies in, as `bucketOf` numbers them. */
  bucket(granularity: Granularity, time = this.time): string {
    const { dialect } = this;
    if (granularity === "hour") {
      const phases = this.clock.map(({ from, offset }) => ({ from, offset: ((offset % HOUR) + HOUR) % HOUR }));
      return minus(
        dialect.quotient(plus(time, byPiece(phases, time, this.#shift * DAY)), String(HOUR)),
        this.#shift * 24,
      );
    }
    if (granularity === "week") {
      // Weeks begin on Mondays; 1970-01-01 was a Thursday.
      return minus(dialect.quotient(this.#shifted(time, 3 * DAY), String(7 * DAY)), this.#shift / 7);
    }
    const day = this.localDay(time);
    if (granularity === "day") return day;
    const months = dialect.months(day);
    if (granularity === "month") return months;
    const size = granularity === "quarter" ? 3 : 12;
    return `(${dialect.quotient(`${months} + ${size * 1000}`, String(size))} - 1000)`;
  }

  /** Days since 1970-01-01 of the local date. */
  localDay(time = this.time): string {
    return minus(this.dialect.quotient(this.#shifted(time), String(DAY)), this.#shift);
  }

  #shifted(time = this.time, more = 0): string {
    return plus(time, byPiece(this.clock, time, this.#shift * DAY + more));
  }

  #part(part: "day" | "hour" | "weekday"): string {
    if (part === "day") return this.localDay();
    return part === "hour" ? this.#hourOfDay() : this.#weekday();
  }

  #hourOfDay(): string {
    return this.dialect.quotient(`(${this.#shifted()}) % ${DAY}`, String(HOUR));
  }

  #weekday(): string {
    return `((${this.localDay()} + ${this.#shift + 3}) % 7 + 1)`;
  }
}

function plus(value: string, more: string): string {
  return more === "0" ? value : `${value} + ${more}`;
}

function minus(value: string, less: number): string {
  return less === 0 ? value : `(${value} - ${less})`;
}

function isText(column: string): boolean {
  return column !== "amount" && column !== "latitude" && column !== "longitude";
}

/** What holds at a time, of values that change at times; `more` is added to each. */
function byPiece(pieces: readonly OffsetPiece[], time: string, more: number): string {
  const last = (pieces.at(-1)?.offset ?? 0) + more;
  if (pieces.length <= 1) return String(last);
  const cases = pieces.slice(1).map(({ from }, i) => `WHEN ${time} < ${from} THEN ${(pieces[i]?.offset ?? 0) + more}`);
  return `(CASE ${cases.join(" ")} ELSE ${last} END)`;
}
