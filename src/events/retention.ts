import { type Clock, DAY } from "../base/clock.js";
import { compareText } from "../base/groups.js";
import { type AuditEntries, ensureTenants } from "../db/index.js";
import type { Sealing } from "../domain/insights/sealing.js";
import type { EventType } from "./registry/event-type.js";
import type { EventStore } from "./store/store.js";
import { systemRecord } from "./system-record.js";
import type { Work } from "./work.js";

export const RETENTION_JOB = "events.retention";
/** When retention is applied: every day at this hour, UTC. */
export const RETENTION_HOUR = 3;

/** Events of these types are deleted once they were received this many days ago. */
export interface RetentionRule {
  readonly days: number;
  readonly types: { readonly only: readonly string[] } | { readonly except: readonly string[] };
}

export interface RetentionOptions {
  readonly store: Pick<EventStore, "tenants" | "deleteReceivedBefore">;
  readonly types: () => readonly Pick<EventType, "name" | "retentionDays">[];
  /** For types without days of their own, and for types that nobody declared; null: for ever. */
  readonly defaultDays: number | null;
  /** What statistics go on counting of deleted events; they count nothing of them without it. */
  readonly sealing?: () => Sealing;
  readonly clock: Clock;
  readonly audit: AuditEntries;
  /** One write to the store at a time, where several processes share it. */
  readonly exclusively?: <T>(write: () => Promise<T>) => Promise<T>;
}

/** How far a run got. */
export interface RetentionProgress {
  /** What "days ago" is counted from, epoch milliseconds UTC: the same after a crash as before. */
  readonly now: number;
  /** The tenant whose turn it is; those before it, in code-unit order, are done. */
  readonly tenant: string;
  /** Its rules that are done and audited. */
  readonly done: readonly string[];
  /** The rule that was begun: after a crash it may have deleted what nobody counted. */
  readonly begun: string | null;
  readonly deleted: number;
}

/** One rule for each number of days, then the one for everything else. */
export function retentionRules(
  types: readonly Pick<EventType, "name" | "retentionDays">[],
  defaultDays: number | null,
): RetentionRule[] {
  const own = types.filter((type) => type.retentionDays !== null);
  const days = [...new Set(own.map((type) => type.retentionDays as number))].sort((a, b) => a - b);
  const rules: RetentionRule[] = days.map((count) => ({
    days: count,
    types: { only: own.filter((type) => type.retentionDays === count).map(({ name }) => name) },
  }));
  if (defaultDays !== null) rules.push({ days: defaultDays, types: { except: own.map(({ name }) => name) } });
  return rules;
}

/**
 * Deletes what every tenant has kept for longer than its rules say, by the time of receipt, and writes one audit entry
 * for each tenant and rule that deleted something. Repeating it deletes nothing more. After a crash it goes on where it
 * was; the entry of the rule that the crash fell into says `interrupted`, as its count may lack what was deleted before.
 */
export function applyRetention(
  options: RetentionOptions,
): (work: Work<unknown, RetentionProgress>) => Promise<unknown> {
  return async (work) => {
    let progress = work.job.progress ?? { now: options.clock(), tenant: "", done: [], begun: null, deleted: 0 };
    const rules = retentionRules(options.types(), options.defaultDays);
    const tenants = new Set(await options.store.tenants());
    // One that was emptied just before a crash has no events any more, but a rule to be audited.
    if (progress.begun !== null) tenants.add(progress.tenant);
    for (const tenant of [...tenants].sort(compareText)) {
      if (tenant < progress.tenant) continue;
      if (tenant > progress.tenant) progress = { ...progress, tenant, done: [], begun: null };
      for (const rule of rules) {
        work.signal.throwIfAborted();
        progress = await applyRule(options, work, progress, rule);
      }
    }
    return { deleted: progress.deleted };
  };
}

async function applyRule(
  { store, sealing, audit, clock, exclusively = (write) => write() }: RetentionOptions,
  work: Work<unknown, RetentionProgress>,
  progress: RetentionProgress,
  rule: RetentionRule,
): Promise<RetentionProgress> {
  const { tenant } = progress;
  const name = "only" in rule.types ? `${rule.days}` : "default";
  if (progress.done.includes(name)) return progress;
  const interrupted = progress.begun === name;
  await work.progress({ ...progress, begun: name });
  const before = progress.now - rule.days * DAY;
  const events = await exclusively(() => store.deleteReceivedBefore(tenant, rule.types, before, sealing?.()));
  const done = { ...progress, done: [...progress.done, name], begun: null, deleted: progress.deleted + events };
  await work.progress(done, async (transaction) => {
    if (events === 0 && !interrupted) return;
    const details = {
      ...rule.types,
      days: rule.days,
      receivedBefore: new Date(before).toISOString(),
      events,
      ...(interrupted && { interrupted }),
    };
    await ensureTenants(transaction, [tenant]);
    await audit.enqueue(
      transaction,
      systemRecord(tenant, clock(), "events.retention.applied", `jobs/${work.job.id}`, details),
    );
  });
  return done;
}
