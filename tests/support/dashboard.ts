import type { ServiceName } from "../../src/upstream/index.js";

/** Blocks of the dashboard that cannot be right without a service. All others must be. */
export const NEEDS: Record<Exclude<ServiceName, "agent">, readonly string[]> = {
  // Without the vehicle list nothing that is counted per vehicle is known; lists of other services still are.
  ingestion: [
    "fleet_summary",
    "health_distribution",
    "cost_metrics",
    "top_issues",
    "heatmap",
    "component_health",
    "health_trend",
  ],
  health: ["fleet_summary", "health_distribution", "top_issues", "heatmap", "component_health", "health_trend"],
  alert: ["fleet_summary", "top_issues", "recent_alerts", "alert_summary"],
  scheduling: ["cost_metrics", "top_issues", "upcoming_maintenance", "technician_utilization"],
  warranty: ["cost_metrics"],
};
