import { MINUTE } from "../base/clock.js";
import { requestedRange, type TimeRange } from "../base/time-range.js";
import { type Coverage, FleetFigures } from "./figures.js";
import { FleetData, type FleetFilter } from "./fleet-data.js";
import type { Warning } from "./ledger.js";
import type { Viewer } from "./viewer.js";

/** What callers may say about an aggregate. Absent means: all, the last 30 days, from the cache. */
export interface AggregateArgs {
  readonly fleetId?: string | null | undefined;
  readonly vehicleId?: string | null | undefined;
  readonly component?: string | null | undefined;
  /** `YYYY-MM-DD` or RFC 3339. */
  readonly start?: string | null | undefined;
  readonly end?: string | null | undefined;
  readonly refresh?: boolean | null | undefined;
}

/** What each aggregate tells about itself. */
export interface Provenance {
  readonly period: TimeRange;
  readonly coverage: Coverage;
  /** Fetch time of the oldest part, epoch milliseconds UTC. */
  readonly asOf: number | null;
  readonly generatedAt: number;
  /** True when nothing had to be fetched. */
  readonly cached: boolean;
  /** True when a part is older than the cache's life: it is being renewed. */
  readonly stale: boolean;
  readonly warnings: readonly Warning[];
}

export function figuresFor(viewer: Viewer, args: AggregateArgs): FleetFigures {
  const filter: FleetFilter = {
    fleetId: args.fleetId ?? null,
    vehicleId: args.vehicleId ?? null,
    component: args.component ?? null,
  };
  // An open period ends with the current minute: within it, the same question about the same records is the same.
  const range = requestedRange(args.start, args.end, Math.ceil(viewer.now() / MINUTE) * MINUTE);
  return new FleetFigures(new FleetData(viewer, viewer.reader(args.refresh), filter), range);
}

/** To be called when all figures are there: only then is it known what they rest on. */
export async function provenance(figures: FleetFigures, coverageOf: () => Promise<Coverage>): Promise<Provenance> {
  const { viewer, ledger } = figures.data;
  const coverage = await coverageOf();
  ledger.assertSomething();
  return {
    period: figures.range,
    coverage,
    ...viewer.freshnessOf(ledger),
    warnings: ledger.warnings,
  };
}
