import { AMOUNT, count, distinct, type Metric, mean, metricsOf, sum, USER } from "./metric.js";

const ALL = { types: null };

/** Metrics over whatever events there are. */
export const EVENT_METRICS: readonly Metric[] = metricsOf(
  "events",
  [],
  [
    {
      id: "events",
      title: "Events",
      description: "How many events there were.",
      formula: count(ALL),
      formulaText: "count of events",
    },
    {
      id: "active_users",
      title: "Active users",
      description: "How many different users any event was about. By day these are daily active users.",
      formula: distinct(USER, ALL),
      formulaText: "distinct users",
    },
    {
      id: "sessions",
      title: "Sessions",
      description: "How many different session ids events came with.",
      formula: distinct({ column: "session" }, ALL),
      formulaText: "distinct sessions",
    },
    {
      id: "subjects",
      title: "Subjects",
      description: "How many different things events were about.",
      formula: distinct({ column: "subject" }, ALL),
      formulaText: "distinct subjects",
    },
    {
      id: "amount",
      title: "Amount",
      description: "Sum of all amounts of money, whatever they are for; split by currency where there are several.",
      unit: "MONEY",
      formula: sum(AMOUNT, ALL),
      formulaText: "sum of amounts",
    },
    {
      id: "events_per_user",
      title: "Events per user",
      description: "Events that are about a user, for each active user.",
      unit: "RATIO",
      formula: mean(count({ types: null, where: { field: USER, isSet: true } }), distinct(USER, ALL)),
      formulaText: "events about users / active users",
    },
  ],
);
