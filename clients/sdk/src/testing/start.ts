import { vi } from "vitest";
import { createAnalytics } from "../analytics.js";
import type { Analytics, AnalyticsError, AnalyticsOptions } from "../types.js";
import { FakeGateway } from "./fakes.js";

export interface Started {
  readonly analytics: Analytics;
  readonly gateway: FakeGateway;
  readonly errors: AnalyticsError[];
}

/** An SDK before a fake gateway, in memory only, its backoff at its longest, unless told otherwise. */
export function start(options: Partial<AnalyticsOptions> = {}, gateway = new FakeGateway()): Started {
  const errors: AnalyticsError[] = [];
  const analytics = createAnalytics({
    url: "https://gateway.test",
    writeKey: "wk 1",
    fetch: gateway.fetch,
    storage: null,
    random: () => 1,
    onError: (error) => errors.push(error),
    ...options,
  });
  return { analytics, gateway, errors };
}

/** Lets pending promises run, without time passing. */
export const settle = () => vi.advanceTimersByTimeAsync(0);

export function trackMany(analytics: Analytics, from: number, to: number): void {
  for (let n = from; n <= to; n++) analytics.track(`e${n}`);
}

export const names = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => `e${from + i}`);
