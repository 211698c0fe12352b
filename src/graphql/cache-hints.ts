import { Kind, type OperationDefinitionNode } from "graphql";

/**
 * Who may be given an answer again: `shared`, whoever may see the same; `own`, only who asked; `none`, nobody, since
 * nothing tells when it has changed.
 */
export type CacheHint = "shared" | "own" | "none";

/** Of root fields; what is not here is `none`. They rest on upstream data alone, and on the rights of who asks. */
const HINTS: Readonly<Record<string, CacheHint>> = {
  fleet: "shared",
  vehicles: "shared",
  vehicle: "shared",
  component: "shared",
  executiveDashboard: "shared",
  fleetHealth: "shared",
  costMetrics: "shared",
  uptimeMetrics: "shared",
  alertMetrics: "shared",
  warrantyMetrics: "shared",
  // They look at who asks.
  ownerDashboard: "own",
  technicianDashboard: "own",
};

/** Of an operation as a whole: that of its strictest root field. */
export function cacheHintOf(operation: OperationDefinitionNode): CacheHint {
  if (operation.operation !== "query") return "none";
  const hints = operation.selectionSet.selections.map((selection) =>
    selection.kind === Kind.FIELD ? (HINTS[selection.name.value] ?? "none") : "none",
  );
  return hints.includes("none") ? "none" : hints.includes("own") ? "own" : "shared";
}
