import type { AnalyticsFault } from "./types.js";

/** What came back for a batch. Status 0: nothing did, or nothing that a gateway would say. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
  /** The Retry-After header. */
  readonly retryAfter: string | null;
}

/** What to do with a batch after its answer. */
export type Verdict =
  | { readonly next: "done" }
  /** The named events can never be taken; the others may be sent again. */
  | { readonly next: "drop"; readonly indexes: readonly number[]; readonly faults: readonly AnalyticsFault[] }
  /** Too large, or refused without saying which event is at fault: smaller batches find out. */
  | { readonly next: "split" }
  /** Later, as it is. `isOurFault`: waiting will hardly help, somebody has to look at it. */
  | { readonly next: "wait"; readonly isOurFault: boolean };

const BASE_MS = 1000;
const LONGEST_MS = 60_000;
/** Where a person has to act first (wrong key, wrong address), asking every minute only costs. */
const LONGEST_AFTER_FAULT_MS = 600_000;
const LONGEST_ASKED_MS = 3_600_000;

/** What an answer means for a batch of this many events. */
export function judge({ status, body }: Answer, size: number): Verdict {
  if (status >= 200 && status < 300) return { next: "done" };
  if (status === 413) return { next: "split" };
  if (status === 400 || status === 422) {
    const faults = faultsOf(body, size);
    const indexes = [...new Set(faults.map(({ path }) => Number(path[0])))];
    return indexes.length > 0 ? { next: "drop", indexes, faults } : { next: "split" };
  }
  const isPassing = status === 0 || status === 408 || status === 429 || status >= 500;
  return { next: "wait", isOurFault: !isPassing };
}

/** Milliseconds until the next attempt: what the server asked for, plus exponential backoff with full jitter. */
export function pause(failures: number, asked: number | null, isOurFault: boolean, random: () => number): number {
  const longest = isOurFault ? LONGEST_AFTER_FAULT_MS : LONGEST_MS;
  const own = random() * Math.min(longest, BASE_MS * 2 ** (failures - 1));
  return Math.round((asked ?? 0) + own);
}

/** Retry-After as milliseconds from now: seconds or a date. Null when there is none that makes sense. */
export function askedPause(header: string | null, now: number): number | null {
  if (!header) return null;
  const milliseconds = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return milliseconds > 0 ? Math.min(milliseconds, LONGEST_ASKED_MS) : null;
}

function faultsOf(body: unknown, size: number): AnalyticsFault[] {
  const faults = (body as { faults?: unknown } | null)?.faults;
  return Array.isArray(faults) ? faults.filter((fault) => namesEvent(fault, size)) : [];
}

function namesEvent(fault: unknown, size: number): fault is AnalyticsFault {
  const path = (fault as Partial<AnalyticsFault> | null)?.path;
  const index = Array.isArray(path) ? Number(path[0]) : Number.NaN;
  return Number.isInteger(index) && index >= 0 && index < size;
}
