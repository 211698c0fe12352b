import { StrictMode } from "react";
import { renderToString } from "react-dom/server";
import { describe, expect, it } from "vitest";
import { createAnalytics } from "../../sdk/src/index.js";
import { AnalyticsProvider, useAnalytics, usePageView } from "./index.js";

describe("rendering on a server", () => {
  it("tracks nothing and sends nothing", async () => {
    let calls = 0;
    const fetch = async () => {
      calls++;
      return Response.json({ accepted: 1 });
    };
    const client = createAnalytics({ url: "https://gateway.test", writeKey: "wk", fetch });
    function App() {
      usePageView("/home");
      const { track } = useAnalytics();
      return (
        <button type="button" onClick={() => track("button_click")}>
          Save
        </button>
      );
    }
    const html = renderToString(
      <StrictMode>
        <AnalyticsProvider client={client}>
          <App />
        </AnalyticsProvider>
      </StrictMode>,
    );
    expect(html).toContain("Save");
    await client.close();
    expect(calls).toBe(0);
  });

  it("says what is missing without a provider", () => {
    function App() {
      useAnalytics();
      return null;
    }
    expect(() => renderToString(<App />)).toThrow("useAnalytics needs an <AnalyticsProvider client={…}> above it");
  });
});
