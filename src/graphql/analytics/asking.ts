import type { Asker, CountedUser, Freshness } from "../../analytics/index.js";
import type { Granularity } from "../../base/calendar.js";
import { PublicError } from "../../base/errors.js";
import type { LocalRange } from "../../domain/insights/range.js";
import { type PageArgs, pageOf } from "../connection.js";
import type { Context } from "../context.js";
import type { Granularity as GranularityInput } from "../generated.js";

/** How the schema writes what the domain calls by lower case. */
export function lowered(granularity: GranularityInput | null | undefined): Granularity | null {
  return granularity ? (granularity.toLowerCase() as Granularity) : null;
}

export function asker(
  { services, viewer }: Context,
  manner: { refresh?: boolean | null | undefined; sample?: number | null | undefined },
): Promise<Asker> {
  return services.analytics.asker(viewer, manner);
}

export function freshnessOf(freshness: Freshness, approximate = false) {
  return { ...freshness, approximate };
}

export function periodOf({ start, end, zone }: LocalRange) {
  return { start, end, zone };
}

const MOST_SKIPPED = 10_000;

/**
 * A page of users; `load` gets how many and behind whom. Cursors name the user that a page ends with, but for those who
 * may not know who that is: theirs only count.
 */
export async function userPage(
  { asking, args }: { readonly asking: Asker; readonly args: PageArgs },
  load: (limit: number, after: string | null) => Promise<CountedUser[]>,
) {
  const page = pageOf(args);
  if (asking.seesPeople) {
    const users = await load(page.first + 1, page.after?.[1] ?? null);
    return page.connect(users, ({ userId }) => [null, userId]);
  }
  const skipped = Number(page.after?.[0] ?? 0);
  if (!(skipped >= 0 && skipped <= MOST_SKIPPED))
    throw new PublicError("BAD_USER_INPUT", "after is no cursor of this list", { field: "after" });
  const users = (await load(skipped + page.first + 1, null)).slice(skipped);
  const places = new Map(users.map((user, i) => [user, skipped + i + 1]));
  return page.connect(users, (user) => [places.get(user) ?? null, ""]);
}
