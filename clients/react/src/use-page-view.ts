import type { Properties } from "@crowsnest/sdk";
import { useEffect, useRef } from "react";
import { useAnalytics } from "./provider.js";

/**
 * Tracks one `page_view` when the component appears and one whenever `path` changes, under StrictMode too. Call it in
 * one place that stays mounted, with the path that the router gives.
 *
 * @param properties told with the page view; a change of them alone tracks nothing
 */
export function usePageView(path: string, properties?: Properties): void {
  const { page } = useAnalytics();
  // StrictMode runs each effect twice and <Activity> runs it anew; the reference outlives both.
  const tracked = useRef<string | null>(null);
  const latest = useRef(properties);
  useEffect(() => {
    latest.current = properties;
  });
  useEffect(() => {
    if (tracked.current === path) return;
    tracked.current = path;
    page(path, latest.current);
  }, [page, path]);
}
