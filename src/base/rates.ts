/** What is left to somebody, after asking for some of it. */
export interface Allowance {
  readonly allowed: boolean;
  readonly limit: number;
  readonly remaining: number;
  /** Seconds until all of it is there again. */
  readonly resetSeconds: number;
}

/** So many points within a while, for each key. */
export interface RateLimiter {
  /** Takes points; once none are left nothing is allowed until the while has passed. */
  take(key: string, points?: number): Promise<Allowance>;
  /** Gives back what was taken. */
  giveBack(key: string, points?: number): Promise<void>;
  forget(key: string): Promise<void>;
}
