/** What the browser tells of a page's life. */
export interface PageLife {
  /** Last moment that is sure to be announced; the page may be gone next, or come back. */
  readonly hidden: () => void;
  /** The page is left, for good or into the browser's page cache. */
  readonly left: () => void;
  /** Back from the page cache. */
  readonly restored: () => void;
  /** In view again, or back on the network. */
  readonly revived: () => void;
}

/** Listens until the returned function is called. Outside a browser there is nothing to hear. */
export function watchPageLife(life: PageLife): () => void {
  if (typeof document === "undefined" || typeof window === "undefined") return () => undefined;
  const listening = new AbortController();
  const { signal } = listening;
  const changed = () => (document.visibilityState === "hidden" ? life.hidden() : life.revived());
  document.addEventListener("visibilitychange", changed, { signal });
  window.addEventListener("pagehide", life.left, { signal });
  window.addEventListener("pageshow", (event) => event.persisted && life.restored(), { signal });
  window.addEventListener("online", life.revived, { signal });
  return () => listening.abort();
}
