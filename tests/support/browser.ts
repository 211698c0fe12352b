import { existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { build } from "esbuild";
import { type Browser, chromium } from "playwright-core";

const EXECUTABLE = process.env.CHROMIUM ?? "/usr/bin/chromium";

export const HAS_BROWSER = existsSync(EXECUTABLE);
/** Tests skip themselves without a browser, but fail where everything is meant to be there. */
export const USES_BROWSER = HAS_BROWSER || process.env.REQUIRE_SUITES === "1";

/** Chromium as people use it: Playwright would turn the page cache of the back button off. */
export async function openBrowser(): Promise<Browser> {
  const ignoreDefaultArgs = ["--disable-back-forward-cache"];
  return chromium.launch({ executablePath: EXECUTABLE, args: ["--no-sandbox"], ignoreDefaultArgs });
}

export interface Site {
  readonly origin: string;
  stop(): Promise<void>;
}

/** A web site of its own origin: each path has its text, scripts end in `.js`, every other path gets the page at `/`. */
export async function serveSite(texts: Readonly<Record<string, string>>): Promise<Site> {
  const server = createServer((request, response) => {
    const path = request.url?.split("?")[0] ?? "/";
    const type = path.endsWith(".js") ? "text/javascript" : "text/html";
    response.setHeader("content-type", `${type}; charset=utf-8`).end(texts[path] ?? texts["/"]);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** TypeScript with JSX as one script for a page; imports are looked up from the top of this checkout. */
export async function bundle(source: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: process.cwd(), loader: "tsx" },
    bundle: true,
    format: "esm",
    target: "es2022",
    // What StrictMode does, it does in development only.
    define: { "process.env.NODE_ENV": '"development"' },
    alias: { "@crowsnest/sdk": "./clients/sdk/src/index.ts" },
    jsx: "automatic",
    write: false,
  });
  return outputFiles[0]?.text ?? "";
}

export async function until(isSo: () => Promise<boolean> | boolean, what: string): Promise<void> {
  for (const end = Date.now() + 30_000; Date.now() < end; await sleep(50)) if (await isSo()) return;
  throw new Error(`waited in vain until ${what}`);
}
