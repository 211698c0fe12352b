import type { Analytics } from "./types.js";

/** Page views with their referrer: the path before within an application, else the page that led here. */
export function trackPages(track: Analytics["track"]): Analytics["page"] {
  const here = globalThis.location as Location | undefined;
  const from = globalThis.document?.referrer;
  // Queries and fragments stay out: they are where search words, tokens and addresses travel.
  let previous = from ? from.replace(/[?#].*/s, "") : undefined;
  return (path = here?.pathname ?? "/", properties = {}) => {
    const referrer = previous === undefined ? {} : { referrer: previous };
    previous = path;
    return track("page_view", { page: path, ...referrer, ...properties });
  };
}
