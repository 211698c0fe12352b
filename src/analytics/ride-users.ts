import { DAY } from "../base/clock.js";
import { percent } from "../base/numbers.js";
import { cohortsPlan, cohortTable } from "../domain/insights/cohorts.js";
import { funnelGroups, funnelPlan } from "../domain/insights/funnel.js";
import type { Asker } from "./analytics.js";
import { utc } from "./figures.js";
import { BOOKINGS, ofType, type RidePeriod, text } from "./ride-events.js";

/** What becomes of users who registered: funnel, cohorts and retention of the rides contract. */

const FUNNEL_STEPS: readonly (readonly [name: string, types: readonly string[]])[] = [
  ["User Registration", ["user.registered"]],
  // Those who book have searched, whether or not searches are reported.
  ["Route Search", ["route.searched", ...BOOKINGS]],
  ["Booking Created", ["booking.created"]],
  ["Payment Success", ["payment.success"]],
  ["Trip Completed", ["trip.completed"]],
];

/**
 * Users who registered in the period, and how many of them have done each of the steps since it began, up to now: the
 * steps are no chain, each is counted by itself.
 */
export async function rideFunnel(asker: Asker, { start, until }: RidePeriod) {
  const end = Math.max(until + 1, asker.now + 1);
  const question = {
    steps: FUNNEL_STEPS.map(([name, types], i) => ({
      name,
      types,
      optional: i > 0,
      ...(i === 0 && { where: { before: until + 1 } }),
    })),
    order: "unordered",
    windowMs: end - start,
    exclude: [],
    breakdown: null,
    times: false,
    where: [],
  } as const;
  const { rows } = await asker.answer(funnelPlan(asker.asking, utc({ start, end }), question));
  const [group] = funnelGroups(question, rows);
  const counts = group?.steps.map(({ users }) => users) ?? [];
  const [entered = 0] = counts;
  return {
    steps: FUNNEL_STEPS.map(([name], i) => {
      const [own = 0, before = 0] = [counts[i], counts[i - 1]];
      return {
        stepName: name,
        stepNumber: i + 1,
        count: own,
        conversionRate: i === 0 ? 100 : (percent(own, entered) ?? 0),
        dropOffRate: i === 0 ? 0 : (percent(before - own, before) ?? 0),
      };
    }),
    entered,
    converted: counts.at(-1) ?? 0,
    conversionRate: percent(counts.at(-1) ?? 0, entered) ?? 0,
  };
}

const PERIOD_DAYS = { day: 1, week: 7, month: 30 } as const;

/** Registrations by day, ISO week or month, and who of them had anything to do with a booking in the periods after. */
export async function rideCohorts(asker: Asker, period: "day" | "week" | "month", start: number, periods: number) {
  const first = Math.floor(start / DAY) * DAY;
  const end = period === "month" ? addMonths(first, periods) : first + periods * PERIOD_DAYS[period] * DAY;
  const plan = cohortsPlan(asker.asking, utc({ start: first, end }), {
    start: ofType("user.registered"),
    returning: { types: BOOKINGS },
    cohortBy: { period },
    period,
    mode: "exact",
    brackets: [],
    maxPeriod: periods,
    where: [],
  });
  const { rows } = await asker.answer(plan);
  return cohortTable(plan, rows, "UTC", asker.now)
    .filter(({ size }) => size > 0)
    .map(({ name, size, cells }) => ({
      cohortPeriod: name,
      cohortSize: size,
      retentionByPeriod: Object.fromEntries(
        cells.filter(({ users }) => users > 0).map(({ period: offset, rate }) => [`period_${offset}`, rate ?? 0]),
      ),
    }));
}

function addMonths(instant: number, months: number): number {
  const date = new Date(instant);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months, date.getUTCDate());
}

/** Who of those that registered in the period had anything to do with a booking exactly 1, 7 and 30 UTC days later. */
export async function rideRetention(asker: Asker, period: RidePeriod, role: "RIDER" | "DRIVER" | null) {
  const plan = cohortsPlan(asker.asking, utc(period), {
    start: { types: ["user.registered"], ...(role && { where: { field: text("role"), in: [role] } }) },
    returning: { types: BOOKINGS },
    cohortBy: null,
    period: "day",
    mode: "exact",
    brackets: [],
    maxPeriod: 30,
    where: [],
  });
  const { rows } = await asker.answer(plan);
  const [cohort] = cohortTable(plan, rows, "UTC", asker.now);
  const at = (day: number) => cohort?.cells.find((cell) => cell.period === day);
  return {
    totalUsers: cohort?.size ?? 0,
    d1RetentionRate: at(1)?.rate ?? 0,
    d7RetentionRate: at(7)?.rate ?? 0,
    d30RetentionRate: at(30)?.rate ?? 0,
    d1RetainedUsers: at(1)?.users ?? 0,
    d7RetainedUsers: at(7)?.users ?? 0,
    d30RetainedUsers: at(30)?.users ?? 0,
  };
}
