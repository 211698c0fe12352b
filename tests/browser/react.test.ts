import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundle, openBrowser, type Site, serveSite, USES_BROWSER, until } from "../support/browser.js";
import { KillableGateway, WRITE_KEY } from "./gateway.js";

const PAGE = `<!doctype html><title>app</title><div id="root"></div><script type="module" src="/app.js"></script>`;

/** An application of three routes, with a layout that renders more often than the route changes. */
const app = (gateway: string) => `
  import { createAnalytics } from "@crowsnest/sdk";
  import { StrictMode, useEffect, useRef, useState } from "react";
  import { createRoot } from "react-dom/client";
  import { AnalyticsProvider, useAnalytics, usePageView } from "./clients/react/src/index.ts";

  const client = createAnalytics({ url: "${gateway}", writeKey: "${WRITE_KEY}" });
  const seen = new Set();
  window.effects = 0;

  function App() {
    const [path, setPath] = useState("/home");
    const [count, setCount] = useState(0);
    const { track } = useAnalytics();
    seen.add(track);
    usePageView(path, { count });
    useEffect(() => { window.effects++; }, []);
    const press = () => {
      setCount(count + 1);
      track("button_click", { button_id: "count", functions: seen.size });
    };
    return (
      <>
        <h1>{path}</h1>
        {["/home", "/cart", "/pay"].map((to) => <a key={to} href="#" onClick={() => setPath(to)}>{to}</a>)}
        <button onClick={press}>pressed {count} times</button>
      </>
    );
  }

  createRoot(document.getElementById("root")).render(
    <StrictMode><AnalyticsProvider client={client}><App /></AnalyticsProvider></StrictMode>,
  );
`;

describe.runIf(USES_BROWSER)("a React application under StrictMode", () => {
  let browser: Browser;
  let site: Site;
  let gateway: KillableGateway;
  const texts: Record<string, string> = { "/": PAGE };
  beforeAll(async () => {
    site = await serveSite(texts);
    gateway = await KillableGateway.start(site.origin);
    texts["/app.js"] = await bundle(app(gateway.base));
    browser = await openBrowser();
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await site?.stop();
    await gateway?.kill();
  });

  const follow = async (page: Page, path: string) => {
    await page.getByRole("link", { name: path }).click();
    await page.getByRole("heading", { name: path }).waitFor();
  };

  it("tracks one page view per change of the route, however often it renders", async () => {
    const page = await browser.newPage();
    await page.goto(site.origin);
    await page.getByRole("heading", { name: "/home" }).waitFor();
    // Without this, StrictMode would not have been at work and the test would show nothing.
    await until(async () => (await page.evaluate("effects")) === 2, "StrictMode has run effects twice");
    await page.getByRole("button").click();
    await page.getByRole("button").click();
    await follow(page, "/cart");
    await follow(page, "/pay");
    await follow(page, "/pay");
    await follow(page, "/home");
    await page.close();
    await until(async () => (await gateway.events("page_view")).length >= 4, "the page views are stored");
    const views = await gateway.events("page_view");
    expect(views.map(({ properties }) => properties)).toEqual([
      { page: "/home", count: 0 },
      { page: "/cart", referrer: "/home", count: 2 },
      { page: "/pay", referrer: "/cart", count: 2 },
      { page: "/home", referrer: "/pay", count: 2 },
    ]);
    const clicks = await gateway.events("button_click");
    expect(clicks.map(({ properties }) => properties.functions)).toEqual([1, 1]);
  });
});
