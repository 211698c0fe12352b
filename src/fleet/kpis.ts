import { round } from "../base/numbers.js";
import { distributionPercent } from "../domain/fleet/health.js";
import { type AggregateArgs, figuresFor, provenance } from "./aggregate.js";
import type { Viewer } from "./viewer.js";

/** Mean score, bands, vehicles that need attention and the trend. */
export async function fleetHealth(viewer: Viewer, args: AggregateArgs) {
  const figures = figuresFor(viewer, args);
  const [averageHealthScore, bands, attention, trend, vehicles] = await Promise.all([
    figures.averageHealthScore(),
    figures.distribution(),
    figures.attention(),
    figures.trend(),
    figures.data.vehicles(),
  ]);
  const basis = await provenance(figures, () => figures.healthCoverage());
  return {
    ...basis,
    averageHealthScore,
    totalVehicles: vehicles?.length ?? null,
    vehiclesWithData: basis.coverage.vehiclesWithData,
    distribution: bands,
    distributionPct: bands && distributionPercent(bands),
    vehiclesRequiringAttention: attention?.length ?? null,
    attentionVehicleIds: attention,
    trend,
  };
}

/** What preventive work saved, what maintenance cost, what the warranty paid. */
export async function costMetrics(viewer: Viewer, args: AggregateArgs) {
  const figures = figuresFor(viewer, args);
  const [avoided, spend, savings, vehicles] = await Promise.all([
    figures.costAvoidance(),
    figures.maintenanceSpend(),
    figures.warrantySavings(),
    figures.data.vehicles(),
  ]);
  return {
    ...(await provenance(figures, () => figures.recordCoverage())),
    costAvoidance: avoided?.costAvoidance ?? null,
    breakdownRepairCost: avoided?.breakdownRepairCost ?? null,
    preventiveMaintenanceCost: avoided?.preventiveMaintenanceCost ?? null,
    preventiveEvents: avoided?.events ?? null,
    pricedEvents: avoided?.pricedEvents ?? null,
    totalMaintenanceSpend: spend,
    avgCostPerVehicle: spend === null || !vehicles?.length ? null : round(spend / vehicles.length, 2),
    warrantySavings: savings,
    byComponent: avoided?.byComponent ?? null,
    currency: viewer.settings.currency,
  };
}

/** How much of the fleet is operational, how old and how far driven it is, how often it is serviced. */
export async function uptimeMetrics(viewer: Viewer, args: AggregateArgs) {
  const figures = figuresFor(viewer, args);
  const [uptime, frequency] = await Promise.all([figures.uptime(), figures.serviceFrequency()]);
  return {
    ...(await provenance(figures, () => figures.recordCoverage())),
    uptimePct: uptime?.uptimePct ?? null,
    operationalVehicles: uptime?.operationalVehicles ?? null,
    totalVehicles: uptime?.totalVehicles ?? null,
    inMaintenance: uptime?.inMaintenance ?? null,
    averageVehicleAgeYears: uptime?.averageVehicleAgeYears ?? null,
    averageMileageKm: uptime?.averageMileageKm ?? null,
    serviceFrequencyPerVehicleYear: frequency,
  };
}

/** How many alerts of which severity, how fast they were handled. */
export async function alertMetrics(viewer: Viewer, args: AggregateArgs) {
  const figures = figuresFor(viewer, args);
  const alerts = await figures.alertFigures();
  return {
    ...(await provenance(figures, () => figures.recordCoverage())),
    totalAlerts: alerts?.totalAlerts ?? null,
    bySeverity: alerts?.bySeverity ?? null,
    avgAcknowledgmentMinutes: alerts?.avgAcknowledgmentMinutes ?? null,
    avgResolutionMinutes: alerts?.avgResolutionMinutes ?? null,
    acknowledged: alerts?.acknowledged ?? null,
    resolved: alerts?.resolved ?? null,
    acknowledgedPct: alerts?.acknowledgedPct ?? null,
    open: alerts?.open ?? null,
    alertFatigueScore: alerts?.alertFatigueScore ?? null,
  };
}

/** Claims: how many, how many approved, how fast, how suspicious, how expensive. */
export async function warrantyMetrics(viewer: Viewer, args: AggregateArgs) {
  const figures = figuresFor(viewer, args);
  const claims = await figures.warrantyFigures();
  return {
    ...(await provenance(figures, () => figures.recordCoverage())),
    totalClaims: claims?.totalClaims ?? null,
    approved: claims?.approved ?? null,
    rejected: claims?.rejected ?? null,
    pending: claims?.pending ?? null,
    approvalRatePct: claims?.approvalRatePct ?? null,
    avgProcessingHours: claims?.avgProcessingHours ?? null,
    fraudFlagged: claims?.fraudFlagged ?? null,
    fraudDetectionRatePct: claims?.fraudDetectionRatePct ?? null,
    totalPayouts: claims?.totalPayouts ?? null,
  };
}
