import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { bundle, openBrowser, type Site, serveSite, USES_BROWSER, until } from "../support/browser.js";
import { KillableGateway, WRITE_KEY } from "./gateway.js";

const PAGE = `<!doctype html><title>shop</title><script type="module" src="/page.js"></script>`;

/** Tracks numbered events at a random pace; how far it is survives a reload, so no number is ever left out. */
const script = (gateway: string) => `
  import { createAnalytics } from "./clients/sdk/src/index.ts";
  const flushIntervalMs = window.isPatient ? 600_000 : 300;
  const analytics = createAnalytics({ url: "${gateway}", writeKey: "${WRITE_KEY}", flushIntervalMs });
  const tracked = () => Number(localStorage.getItem("tracked"));
  const trackTo = (last, type = "numbered", pace = 40) => {
    const n = tracked() + 1;
    if (n > last) return;
    analytics.track(type, { n });
    localStorage.setItem("tracked", n);
    if (pace > 0) setTimeout(trackTo, Math.random() * pace, last, type, pace);
    else trackTo(last, type, pace);
  };
  const waiting = () => Object.keys(localStorage).filter((key) => key.startsWith("crowsnest.queue.")).length;
  Object.assign(window, { analytics, tracked, trackTo, waiting });
`;

const numbers = (last: number) => Array.from({ length: last }, (_, i) => i + 1);

describe.runIf(USES_BROWSER)("the SDK in a browser, before a real gateway", () => {
  let browser: Browser;
  let site: Site;
  let gateway: KillableGateway;
  let context: BrowserContext;
  const texts: Record<string, string> = { "/": PAGE };
  beforeAll(async () => {
    site = await serveSite(texts);
    gateway = await KillableGateway.start(site.origin);
    texts["/page.js"] = await bundle(script(gateway.base));
    browser = await openBrowser();
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await site?.stop();
    await gateway?.kill();
  });
  beforeEach(async () => {
    context = await browser.newContext();
    return () => context.close();
  });

  const open = async (): Promise<Page> => {
    const page = await context.newPage();
    await page.goto(site.origin);
    await page.waitForFunction("window.trackTo");
    return page;
  };
  const reached = (page: Page, n: number) =>
    until(async () => (await page.evaluate<number>("tracked()")) >= n, `${n} events are tracked`);
  const waiting = (page: Page, n: number) =>
    until(async () => (await page.evaluate<number>("waiting()")) === n, `${n} events wait in the storage`);
  const numbersOf = async (type: string) => (await gateway.events(type)).map(({ properties }) => properties.n);
  const stored = async (type: string, last: number) => {
    await until(async () => (await gateway.events(type)).length >= last, `${last} events are stored`);
    expect(await numbersOf(type)).toEqual(numbers(last));
  };

  it("gets each of 300 events stored once and in order, over two kills, a reload and the page's end", async () => {
    const page = await open();
    await page.evaluate("trackTo(300)");
    await reached(page, 80);
    await gateway.kill();
    await reached(page, 120);
    await page.reload();
    await page.waitForFunction("window.trackTo");
    await page.evaluate("trackTo(220)");
    await gateway.start();
    await reached(page, 220);
    await until(async () => (await gateway.events("numbered")).length > 0, "some are stored");
    await page.evaluate("trackTo(300)");
    await reached(page, 260);
    await gateway.kill();
    await gateway.start();
    await reached(page, 300);
    await page.close();
    await stored("numbered", 300);
    const events = await gateway.events("numbered");
    expect(new Set(events.map(({ id }) => id)).size).toBe(300);
    const times = events.map(({ time }) => Date.parse(time));
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(new Set(events.map(({ userId, session }) => `${userId} ${session}`)).size).toBe(1);
  }, 120_000);

  it("gets events stored that were tracked right before the page's end", async () => {
    await context.addInitScript("window.isPatient = true");
    const page = await open();
    await page.evaluate(`trackTo(9, "parting", 0)`);
    await page.close();
    await stored("parting", 9);
  });

  it("leaves events of a page that ends during an outage to the next page", async () => {
    const page = await open();
    await gateway.kill();
    await page.evaluate(`trackTo(25, "orphan", 0)`);
    await page.close();
    await gateway.start();
    const next = await open();
    await stored("orphan", 25);
    await waiting(next, 0);
  }, 60_000);

  it("leaves events of a tab that crashes to the next one", async () => {
    await context.addInitScript("window.isPatient = true");
    const dying = await open();
    await dying.evaluate(`trackTo(5, "crashed", 0)`);
    const crashed = dying.waitForEvent("crash");
    await dying.goto("chrome://crash").catch(() => undefined);
    await crashed;
    expect(await numbersOf("crashed")).toEqual([]);
    const next = await open();
    await until(async () => {
      await next.evaluate("analytics.flush()");
      return (await gateway.events("crashed")).length > 0;
    }, "the events of the crashed tab are stored");
    expect(await numbersOf("crashed")).toEqual(numbers(5));
  });

  it("does not keep its page out of the browser's page cache, and goes on when the page is back", async () => {
    const page = await open();
    await page.evaluate(`trackTo(3, "cached", 0); window.isTheSame = true`);
    await page.goto(`${site.origin}/elsewhere`);
    await page.waitForFunction("window.trackTo");
    await page.evaluate("void setTimeout(() => history.back())");
    // While pages change there is nothing to ask.
    const isBack = () => page.evaluate<boolean>("location.pathname === '/'").catch(() => false);
    await until(isBack, "the first page is back");
    expect(await page.evaluate("window.isTheSame")).toBe(true);
    await page.evaluate(`trackTo(6, "cached", 0)`);
    await stored("cached", 6);
  });

  it("keeps a visitor who asks not to be tracked out of everything", async () => {
    await context.addInitScript(`Object.defineProperty(navigator, "globalPrivacyControl", { value: true })`);
    const page = await open();
    await page.evaluate(`trackTo(12, "private", 0)`);
    expect(await page.evaluate("Object.keys(localStorage)")).toEqual(["tracked"]);
    await page.evaluate("analytics.close()");
    expect(await numbersOf("private")).toEqual([]);
  });
});
