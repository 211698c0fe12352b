import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeEvent } from "../event.js";
import { type EventStore, openDuckDbStore } from "./index.js";

let folder = "";
let segments = "";
let store: EventStore;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "crowsnest-erasure-"));
  segments = await mkdtemp(join(tmpdir(), "crowsnest-erasure-segments-"));
  store = await openDuckDbStore({ folder });
});
afterAll(async () => {
  await store.close();
  for (const path of [folder, segments]) await rm(path, { recursive: true, force: true });
});

/** How often a text stands in the files of the store. */
async function occurrences(text: string): Promise<number> {
  let count = 0;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const bytes = await readFile(join(folder, entry.name));
    for (let at = bytes.indexOf(text); at !== -1; at = bytes.indexOf(text, at + 1)) count++;
  }
  return count;
}

async function append(from: number, count: number): Promise<void> {
  const lines = Array.from({ length: count }, (_, i) => {
    const user = i % 50 === 7 ? "erased-user" : `user-${i % 500}`;
    return encodeEvent({
      tenant: "t",
      id: `${user}-${from + i}`,
      type: "page_view",
      time: 1_780_000_000_000 + i,
      received: 1_780_000_000_000,
      origin: "http",
      user,
      session: `session of ${user}`,
      subject: null,
      country: null,
      region: null,
      city: null,
      latitude: null,
      longitude: null,
      amount: null,
      currency: null,
      properties: JSON.stringify({ by: user, number: Math.imul(from + i, 2654435761) }),
    });
  });
  const path = join(segments, `${from}.ndjson`);
  await writeFile(path, `${lines.join("\n")}\n`);
  await store.append([path]);
}

describe("a user erased from a DuckDB store", () => {
  it("is in none of its files any more", async () => {
    const views = await store.tenantViews("t");
    await append(0, 40_000);
    await append(40_000, 300);
    expect(await occurrences("erased-user")).toBeGreaterThan(800);
    let reading = true;
    const readers = Array.from({ length: 4 }, async () => {
      const counts = new Set<number>();
      while (reading) counts.add((await store.counts({ tenant: "t" }, "all"))[0]?.events ?? 0);
      return counts;
    });
    expect(await store.eraseUser("t", "erased-user")).toBe(806);
    reading = false;
    for (const counts of await Promise.all(readers))
      for (const count of counts) expect([40_300, 39_494]).toContain(count);
    expect(await occurrences("erased-user")).toBe(0);
    expect(await store.counts({ tenant: "t" }, "all")).toMatchObject([{ events: 39_494, users: 490 }]);
    expect(await store.query(`SELECT count(*) AS n FROM ${views}.events`)).toEqual([{ n: "39494" }]);
  });

  it("is in none of them when only what was sealed had the name", async () => {
    await append(60_000, 300);
    const firsts = [{ of: { types: null }, as: "first", properties: "{}" }];
    const sealing = { sums: [], states: null, firsts, daily: [] };
    expect(await store.deleteReceivedBefore("t", { except: [] }, 2_000_000_000_000, sealing)).toBeGreaterThan(0);
    expect(await occurrences("erased-user")).toBeGreaterThan(0);
    expect(await store.eraseUser("t", "erased-user")).toBe(0);
    expect(await occurrences("erased-user")).toBe(0);
  });

  it("leaves a store that goes on, also after being opened anew", async () => {
    await append(50_000, 100);
    await store.close();
    store = await openDuckDbStore({ folder });
    await append(50_000, 200);
    expect(await store.counts({ tenant: "t", user: "erased-user" }, "all")).toMatchObject([{ events: 4 }]);
    expect(await store.counts({ tenant: "t" }, "all")).toMatchObject([{ events: 200, users: 197 }]);
  });
});
