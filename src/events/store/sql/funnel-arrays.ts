import { mayOverlap, predecessors } from "../../../domain/insights/funnel.js";
import type { FunnelPlan } from "../../../domain/insights/plan.js";
import type { Statement } from "./statement.js";
import { ofUsers } from "./users.js";

/** Stands for no moment: before any that events can have. */
const NEVER = "toInt64(-9000000000000000)";
const EXCLUDED = 255;

/**
 * The chains of a funnel by arrays: for each user the moments `ts` and steps `ks` in order; `r1` tells for each event
 * with what start of a chain it reached step 1 (NEVER: it did not), and so on. ClickHouse reads the events once for it.
 */
export function arrayChains(plan: FunnelPlan, sql: Statement): string {
  const { steps } = plan;
  if (isBuiltIn(plan)) return builtInChains(plan, sql);
  const { columns, reached } = STRATEGIES[plan.order](plan);
  const users = `SELECT u, tupleElement(sorted, 1) AS ts, tupleElement(sorted, 2) AS ks
    FROM (SELECT u, ${sortedEvents(plan)} AS sorted FROM (${events(plan, sql)}) AS found GROUP BY u) AS grouped`;
  const table = columns.reduce(
    (inner, [name, value], i) => `SELECT *, ${value} AS ${name} FROM (${inner}) AS l${i}`,
    users,
  );
  const rows = steps.map((_, i) => reached(i));
  return `SELECT u, tupleElement(hit, 1) AS step, tupleElement(hit, 2) AS took
    FROM (SELECT u, arrayJoin(arrayFilter(h -> tupleElement(h, 1) > 0, [${rows.join(", ")}])) AS hit FROM (${table}) AS done) AS hits`;
}

/** Whether ClickHouse's own `windowFunnel` means the same: it tells no times. */
function isBuiltIn(plan: FunnelPlan): boolean {
  const { order, exclude, steps, times, selection } = plan;
  const isPlain = order === "ordered" && exclude.length === 0 && !steps.some(({ optional }) => optional);
  return isPlain && !times && !mayOverlap(plan) && selection.from !== null;
}

function builtInChains({ selection, steps, windowMs }: FunnelPlan, sql: Statement): string {
  const since = `toUInt64(${sql.time} - ${sql.bind(selection.from)})`;
  const level = `windowFunnel(${windowMs})(${[since, ...steps.map((step) => sql.isStep(step))].join(", ")})`;
  return `SELECT u, arrayJoin(range(1, level + 1)) AS step, NULL AS took
    FROM (${ofUsers(sql, selection, `e.user_key AS u, ${level} AS level`)} GROUP BY u) AS levels`;
}

type Columns = readonly (readonly [name: string, value: string])[];
interface Strategy {
  readonly columns: Columns;
  /** Of a step (from 0): a tuple of its number and the time that it took; the number is 0 when it was not reached. */
  readonly reached: (step: number) => string;
}

const STRATEGIES: Record<FunnelPlan["order"], (plan: FunnelPlan) => Strategy> = {
  ordered: orderedChains,
  strict: strictChains,
  unordered: unorderedChains,
};

/** `u`, `t`, `k`: an event once for each step that it is; where the order is strict, for the first of them. */
function events({ selection, steps, exclude, order }: FunnelPlan, sql: Statement): string {
  const excluded = exclude.length > 0 ? `(${exclude.map((step) => sql.isStep(step)).join(" OR ")})` : null;
  const conditions = [
    ...steps.map((step, i) => [sql.isStep(step), i + 1] as const),
    ...(excluded ? [[excluded, EXCLUDED] as const] : []),
  ];
  const k =
    order === "strict"
      ? `multiIf(${conditions.map(([condition, step]) => `${condition}, ${step}`).join(", ")}, 0)`
      : `arrayJoin(arrayFilter(i -> i > 0, [${conditions.map(([condition, step]) => `if(${condition}, ${step}, 0)`).join(", ")}]))`;
  return `SELECT u, t, k FROM (${ofUsers(sql, selection, `e.user_key AS u, ${sql.time} AS t, toInt16(${k}) AS k`)}) AS each WHERE k > 0`;
}

/**
 * In order of time. At the same moment, what is excluded comes last (or first, where the future is looked at): it then
 * is never between two events of that moment. Where one event may be two steps, the later step comes first and so does
 * not follow on from the other.
 */
function sortedEvents(plan: FunnelPlan): string {
  const later = plan.order === "unordered" ? -EXCLUDED : EXCLUDED;
  const order = plan.order === "ordered" && mayOverlap(plan) ? "-x.2" : "x.2";
  const sorted = `arraySort(x -> (x.1, if(x.2 = ${EXCLUDED}, ${later}, ${order})), groupArray((t, k)))`;
  return `(arrayMap(x -> x.1, ${sorted} AS all_), arrayMap(x -> x.2, all_))`;
}

const isKnown = `x -> x != ${NEVER}`;
const momentsOf = (step: number): string => `arrayMap((t, k) -> if(k = ${step}, t, ${NEVER}), ts, ks)`;

function orderedChains(plan: FunnelPlan): Strategy {
  const { steps, windowMs } = plan;
  const columns: (readonly [string, string])[] = [["x_", `arrayFill(${isKnown}, ${momentsOf(EXCLUDED)})`]];
  steps.forEach((_, i) => {
    const from = i === 0 ? [] : predecessors(plan, i).map((j) => `f${j}`);
    const start =
      from.length > 1
        ? `arrayMap((${from.map((_, j) => `a${j}`).join(", ")}) -> greatest(${from.map((_, j) => `a${j}`).join(", ")}), ${from.join(", ")})`
        : from[0];
    const reached =
      start === undefined
        ? momentsOf(1)
        : `arrayMap((t, k, s, x) -> if(k = ${i + 1} AND s != ${NEVER} AND t - s <= ${windowMs} AND s >= x, s, ${NEVER}), ts, ks, ${start}, x_)`;
    columns.push([`r${i}`, reached], [`f${i}`, `arrayFill(${isKnown}, r${i})`]);
  });
  return { columns, reached: firstReached };
}

function firstReached(step: number): string {
  const at = `arrayFirstIndex(${isKnown}, r${step})`;
  return `(if(${at} > 0, ${step + 1}, 0), if(${at} > 0, ts[${at}] - r${step}[${at}], 0))`;
}

function strictChains({ steps, windowMs }: FunnelPlan): Strategy {
  const single = `arrayFilter((e, k, earlier, later) -> if(k = 1, later != 1, earlier != k), arrayZip(ts, ks), ks,
    arrayPushFront(arrayPopBack(ks), 0), arrayPushBack(arrayPopFront(ks), 0))`;
  const columns: (readonly [string, string])[] = [
    ["single", single],
    ["st", "arrayMap(e -> e.1, single)"],
    ["sk", "arrayMap(e -> e.2, single)"],
  ];
  steps.forEach((_, i) => {
    const before = `arrayPushFront(arrayPopBack(r${i - 1}), ${NEVER})`;
    columns.push([
      `r${i}`,
      i === 0
        ? `arrayMap((t, k) -> if(k = 1, t, ${NEVER}), st, sk)`
        : `arrayMap((t, k, s) -> if(k = ${i + 1} AND s != ${NEVER} AND t - s <= ${windowMs}, s, ${NEVER}), st, sk, ${before})`,
    ]);
  });
  return { columns, reached: (step) => firstReached(step).replaceAll("ts[", "st[") };
}

function unorderedChains({ steps, windowMs }: FunnelPlan): Strategy {
  const next = (step: number): string => `arrayReverseFill(${isKnown}, ${momentsOf(step)})`;
  const columns: (readonly [string, string])[] = [
    ["x_", next(EXCLUDED)],
    ...steps.map((_, i) => [`n${i}`, next(i + 1)] as const),
  ];
  steps.forEach((_, i) => {
    const needed = [...steps.keys()].filter((j) => j === i || (j < i && !steps[j]?.optional));
    const names = needed.map((j) => `a${j}`);
    const done = names.length > 1 ? `greatest(${names.join(", ")})` : names[0];
    const isDone = `${names.map((name) => `${name} != ${NEVER}`).join(" AND ")} AND ${done} - t <= ${windowMs} AND (x = ${NEVER} OR x >= ${done})`;
    columns.push([
      `r${i}`,
      `arrayMap((t, x, ${names.join(", ")}) -> if(${isDone}, ${done} - t, ${NEVER}), ts, x_, ${needed.map((j) => `n${j}`).join(", ")})`,
    ]);
  });
  return {
    columns,
    reached: (step) => {
      const took = `arrayMin(arrayPushBack(arrayFilter(${isKnown}, r${step}), toInt64(9000000000000000)))`;
      return `(if(arrayExists(${isKnown}, r${step}), ${step + 1}, 0), ${took})`;
    },
  };
}
