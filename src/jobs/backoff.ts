/** Pauses that double from the first to the longest, both in milliseconds. */
export interface Backoff {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** Milliseconds to wait after the n-th failure: between half and all of the doubled pause, so that retries spread. */
export function pauseAfter({ firstMs, longestMs }: Backoff, failures: number, random: () => number): number {
  const full = Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return full * (0.5 + random() / 2);
}
