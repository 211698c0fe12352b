import { count, distinct, type Metric, metricsOf, ofTypes, percent } from "./metric.js";

/** Figures over fleet events. Those over the state of the fleet come from its services, not from events. */
export const FLEET_METRICS: readonly Metric[] = metricsOf(
  "fleet",
  ["severity", "component"],
  [
    {
      id: "alerts_created",
      title: "Alerts",
      description: "Alerts that were raised.",
      formula: count(ofTypes("alert.created")),
      formulaText: "count of alert.created",
    },
    {
      id: "alerts_resolved",
      title: "Alerts resolved",
      description: "Alerts that were resolved.",
      formula: count(ofTypes("alert.resolved")),
      formulaText: "count of alert.resolved",
    },
    {
      id: "vehicles_with_alerts",
      title: "Vehicles with alerts",
      description: "Different vehicles that an alert was raised for.",
      formula: distinct({ property: ["vehicle_id"], type: "text" }, ofTypes("alert.created")),
      formulaText: "distinct vehicle_id over alert.created",
    },
    {
      id: "appointments_scheduled",
      title: "Appointments",
      description: "Appointments that were made.",
      formula: count(ofTypes("appointment.scheduled")),
      formulaText: "count of appointment.scheduled",
    },
    {
      id: "claims_submitted",
      title: "Warranty claims",
      description: "Warranty claims that were submitted.",
      formula: count(ofTypes("warranty.claim.submitted")),
      formulaText: "count of warranty.claim.submitted",
    },
    {
      id: "claims_approval_rate",
      title: "Claims approved",
      description: "Claims found valid for each hundred decided.",
      unit: "PERCENT",
      formula: percent(
        count(ofTypes("warranty.claim.validated")),
        count(ofTypes("warranty.claim.validated", "warranty.claim.rejected")),
      ),
      formulaText: "validated / (validated + rejected) × 100",
    },
  ],
);
