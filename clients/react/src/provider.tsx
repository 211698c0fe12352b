import type { Analytics } from "@crowsnest/sdk";
import { createContext, type ReactNode, useContext } from "react";

const AnalyticsContext = createContext<Analytics | null>(null);

/** Props of {@link AnalyticsProvider}. */
export interface AnalyticsProviderProps {
  /** Made once per page by `createAnalytics`, outside of any component, so that no rendering makes a second one. */
  readonly client: Analytics;
  readonly children?: ReactNode;
}

/** Gives everything below it the means to track. */
export function AnalyticsProvider({ client, children }: AnalyticsProviderProps): ReactNode {
  return <AnalyticsContext.Provider value={client}>{children}</AnalyticsContext.Provider>;
}

/**
 * The analytics of the provider above. Its functions stay the same from one rendering to the next and need no `this`.
 * Call them in effects and handlers, not while rendering: a rendering may be thrown away or happen on a server.
 *
 * @example
 * const { track } = useAnalytics();
 * return <button onClick={() => track("button_click", { button_id: "save" })}>Save</button>;
 */
export function useAnalytics(): Analytics {
  const client = useContext(AnalyticsContext);
  if (!client) throw new Error("useAnalytics needs an <AnalyticsProvider client={…}> above it, found none");
  return client;
}
