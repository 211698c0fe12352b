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

/** Lateness is made up for this long at most, so that a busy moment is not followed by a burst. */
const BURST_MS = 20;

/** Makes room for at most `perSecond` calls in any second, evenly and in order; the rest wait. */
export function pace(perSecond: number): () => Promise<void> {
  const gap = SECOND / perSecond;
  const burst = Math.max(1, BURST_MS / gap);
  const waiting: (() => void)[] = [];
  let allowance = 1;
  let counted = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const release = (): void => {
    const now = performance.now();
    allowance = Math.min(burst, allowance + (now - counted) / gap);
    counted = now;
    const free = waiting.splice(0, Math.floor(allowance));
    allowance -= free.length;
    for (const go of free) go();
    timer = waiting.length > 0 ? setTimeout(release, Math.max(1, (1 - allowance) * gap)).unref() : undefined;
  };
  return () =>
    new Promise((go) => {
      waiting.push(go);
      if (!timer) release();
    });
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
