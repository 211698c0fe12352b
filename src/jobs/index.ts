export type { Backoff } from "./backoff.js";
export { type Handler, type Job, type JobRun, LeaseLost, NoRetry } from "./job.js";
export { type EnqueueOptions, Jobs, type JobsOptions, type KindOptions } from "./jobs.js";
export { type LeasedWork, Leases, type LeasesOptions } from "./leases.js";
export { dailyAt, type Schedule } from "./schedule.js";
