import {
  alertMetrics,
  costMetrics,
  executiveDashboard,
  FleetView,
  fleetHealth,
  ownerDashboard,
  technicianDashboard,
  uptimeMetrics,
  warrantyMetrics,
} from "../../fleet/index.js";
import type { FigureFilter, InputMaybe, Resolvers, TimeRangeInput } from "../generated.js";

interface FigureArgs {
  filter?: InputMaybe<FigureFilter>;
  range?: InputMaybe<TimeRangeInput>;
  refresh?: InputMaybe<boolean>;
}

const aggregateArgs = ({ filter, range, refresh }: FigureArgs) => ({ ...filter, ...range, refresh });

/** Figures over many vehicles: what they rest on travels with them. */
export const aggregateResolvers = {
  Query: {
    fleet: (_, { id, vehicleId, component, ...args }, { viewer }) =>
      new FleetView(viewer, { fleetId: id, vehicleId, component, ...aggregateArgs(args) }),
    ownerDashboard: (_, { userId, refresh }, { viewer }) => ownerDashboard(viewer, userId, refresh),
    technicianDashboard: (_, { id, ...args }, { viewer }) => technicianDashboard(viewer, id, aggregateArgs(args)),
    executiveDashboard: (_, args, { viewer }) => executiveDashboard(viewer, aggregateArgs(args)),
    fleetHealth: (_, args, { viewer }) => fleetHealth(viewer, aggregateArgs(args)),
    costMetrics: (_, args, { viewer }) => costMetrics(viewer, aggregateArgs(args)),
    uptimeMetrics: (_, args, { viewer }) => uptimeMetrics(viewer, aggregateArgs(args)),
    alertMetrics: (_, args, { viewer }) => alertMetrics(viewer, aggregateArgs(args)),
    warrantyMetrics: (_, args, { viewer }) => warrantyMetrics(viewer, aggregateArgs(args)),
  },
  Fleet: {
    period: (view) => view.figures.range,
    coverage: async (view) => (await view.provenance()).coverage,
    asOf: async (view) => (await view.provenance()).asOf,
    generatedAt: async (view) => (await view.provenance()).generatedAt,
    stale: async (view) => (await view.provenance()).stale,
    cached: async (view) => (await view.provenance()).cached,
    warnings: async (view) => (await view.provenance()).warnings,
    summary: (view) => view.block((figures) => figures.summary()),
    healthDistribution: (view) => view.block((figures) => figures.distribution()),
    componentHealth: (view) => view.block((figures) => figures.componentHealth()),
    heatmap: (view) => view.block((figures) => figures.heatmap()),
    topIssues: (view) => view.block((figures) => figures.topIssues()),
    cost: (view) => view.block((figures) => figures.monthCost()),
    upcomingMaintenance: (view) => view.block((figures) => figures.upcomingMaintenance()),
    alertSummary: (view) => view.block((figures) => figures.alertSummary()),
    technicianUtilization: (view) => view.block((figures) => figures.technicianUtilization()),
    healthTrend: (view) => view.block((figures) => figures.trend()),
    recentAlerts: (view) => view.block((figures) => figures.recentAlerts()),
  },
} satisfies Resolvers;
