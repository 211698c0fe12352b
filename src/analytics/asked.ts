import { bucketText, type Granularity, startOfBucket } from "../base/calendar.js";
import { PublicError } from "../base/errors.js";
import { conditionsOf, type Filter } from "../domain/insights/filters.js";
import { localRange } from "../domain/insights/range.js";
import type { Asker } from "./analytics.js";
import type { RangeInput } from "./metrics.js";

/** What insights have in common: the period, the filters, and what is refused. */
export interface Ranged {
  readonly range?: RangeInput | null | undefined;
  readonly filters?: readonly Filter[] | null | undefined;
}

/** What most insights begin with: the period, and the events looked at. */
export function opened({ range: given, filters }: Ranged, asker: Asker) {
  return { range: localRange(given ?? {}, asker.now), where: conditionsOf(filters, null) };
}

export function refuse(field: string, message: string): never {
  throw new PublicError("BAD_USER_INPUT", message, { field });
}

export function between(
  value: number | null | undefined,
  fallback: number,
  minimum: number,
  maximum: number,
  field: string,
): number {
  const checked = value ?? fallback;
  if (checked >= minimum && checked <= maximum) return checked;
  return refuse(field, `${field} must be from ${minimum} to ${maximum}, got ${checked}`);
}

/** When a bucket of a range begins and what it is called. */
export function named(bucket: number, granularity: Granularity, zone: string) {
  return { start: startOfBucket(bucket, granularity, zone), name: bucketText(bucket, granularity, zone) };
}
