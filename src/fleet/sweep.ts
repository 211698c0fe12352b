import { setTimeout as sleep } from "node:timers/promises";
import { SECOND } from "../base/clock.js";
import type { Logger } from "../ops/logs.js";
import { FleetView } from "./fleet-view.js";
import type { Viewer } from "./viewer.js";

export interface SweepOptions {
  /** A viewer who sees all of a tenant, whose reader is paced and waits for everything. */
  readonly newViewer: () => Viewer;
  /** Pause between two rounds. */
  readonly intervalMs: number;
  readonly log: Logger;
}

/** Makes room for at most `perSecond` calls a second, evenly; the rest wait. */
export function pace(perSecond: number): () => Promise<void> {
  let next = 0;
  return async () => {
    const now = performance.now();
    const at = Math.max(now, next);
    next = at + SECOND / perSecond;
    // Timers are coarser than the gaps between calls: short waits are not worth one.
    if (at - now > 5) await sleep(at - now, undefined, { ref: false });
  };
}

/**
 * Asks for the whole dashboard again and again in the background, so that what users look at is always in the cache
 * and no user pays for a cold one. Entries are renewed at half their life.
 * @returns stops it
 */
export function startSweep(options: SweepOptions): () => void {
  const stopped = new AbortController();
  void (async () => {
    while (!stopped.signal.aborted) {
      try {
        await sweepOnce(options.newViewer());
      } catch (error) {
        options.log.warn({ error: String(error) }, "background sweep failed; the next one is due as usual");
      }
      await sleep(options.intervalMs, undefined, { ref: false, signal: stopped.signal }).catch(() => undefined);
    }
  })();
  return () => stopped.abort();
}

async function sweepOnce(viewer: Viewer): Promise<void> {
  const view = new FleetView(viewer, {});
  const { figures } = view;
  // One after the other where they call per vehicle, so that a round never queues more than one fleet of calls.
  await figures.summary();
  await Promise.all([figures.topIssues(), figures.recentAlerts(), figures.upcomingMaintenance()]);
  await Promise.all([figures.monthCost(), figures.warrantyFigures(), figures.technicianUtilization()]);
  await figures.trend();
}
