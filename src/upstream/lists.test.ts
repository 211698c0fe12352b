import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { createMetrics } from "../ops/metrics.js";
import { createService, type Service } from "./http.js";
import { BulkForm, fetchList, withQuery } from "./lists.js";
import { id } from "./shapes.js";

const item = z.object({ id });
let server: Server;
let service: Service;
/** What the service answers to a path with its query. */
let answer: (url: URL) => { status?: number; body?: unknown; text?: string };
let asked: string[];

beforeAll(async () => {
  server = createServer((request, response) => {
    const url = new URL(request.url ?? "", "http://service");
    asked.push(url.pathname + url.search);
    const { status = 200, body, text = JSON.stringify(body) } = answer(url);
    response.writeHead(status).end(text);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(async () => {
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const limits = { timeoutMs: 2000, concurrency: 8, maxBytes: 1_000_000, breakerWindowMs: 100 };
  service = createService({ name: "warranty", baseUrls: [baseUrl], ...limits }, createMetrics());
  asked = [];
  return () => service.close();
});

const records = (count: number): { id: string }[] => Array.from({ length: count }, (_, i) => ({ id: `r${i}` }));
const fetchAll = () => fetchList(service, "/list", { from: "x", to: undefined }, item, (record) => record.id);

/** A service with `all`, which honours `limit` up to `most` and `offset` unless told otherwise. */
function paging(
  all: object[],
  options: { most?: number; total?: boolean; limit?: boolean; offset?: boolean } = {},
): void {
  const { most = 1000, total = false, limit: honoursLimit = true, offset: honoursOffset = true } = options;
  answer = ({ searchParams }) => {
    const offset = honoursOffset ? Number(searchParams.get("offset")) : 0;
    const limit = honoursLimit ? Math.min(most, Number(searchParams.get("limit"))) : most;
    const items = all.slice(offset, offset + limit);
    return { body: total ? { items, total: all.length } : items };
  };
}

describe("a list in pages", () => {
  it("comes whole from a service that tells the total", async () => {
    paging(records(2500), { total: true });
    const list = await fetchAll();
    expect(list?.value).toEqual(records(2500));
    expect(asked).toHaveLength(3);
    expect(asked[0]).toBe("/list?from=x&limit=1000&offset=0");
  });

  it("comes whole from a service that tells the total and has smaller pages than asked for", async () => {
    paging(records(250), { total: true, most: 100 });
    expect((await fetchAll())?.value).toEqual(records(250));
    expect(asked).toHaveLength(3);
  });

  it.each([
    [1500, 2],
    [2000, 3],
    [0, 1],
    [999, 1],
  ])("comes whole without a total: %d records in %d calls", async (count, calls) => {
    paging(records(count));
    expect((await fetchAll())?.value).toEqual(records(count));
    expect(asked).toHaveLength(calls);
  });

  it.each([2500, 1000])("comes once from a service that ignores limit and offset and sends all %d", async (count) => {
    paging(records(count), { limit: false, offset: false, most: count });
    expect((await fetchAll())?.value).toEqual(records(count));
    expect(asked.length).toBeLessThanOrEqual(2);
  });

  it("comes whole from a service that ignores limit and sends pages of its own size without a total", async () => {
    paging(records(250), { limit: false, most: 100 });
    expect((await fetchAll())?.value).toHaveLength(250);
  });

  it("has each record once, however pages overlap", async () => {
    const pages = [records(1000), records(1000).slice(900), records(10)];
    answer = ({ searchParams }) => ({ body: { data: pages[Number(searchParams.get("offset")) / 1000], total: 2100 } });
    expect((await fetchAll())?.value).toEqual(records(1000));
  });

  it("counts what it weighed on the wire", async () => {
    paging(records(3));
    expect((await fetchAll())?.bytes).toBe(JSON.stringify(records(3)).length);
  });

  it("is null where the service has none", async () => {
    answer = () => ({ status: 404, body: { detail: "Not Found" } });
    expect(await fetchAll()).toBeNull();
  });

  it("fails as a whole over one record that does not fit, telling which", async () => {
    answer = () => ({ body: { claims: [{ id: "a" }, { id: null }] } });
    await expect(fetchAll()).rejects.toThrow(/^warranty-service: field items\[1\]\.id: /);
  });
});

describe("a query", () => {
  it("is escaped, and leaves out what is not asked for", () => {
    expect(withQuery("/x", {})).toBe("/x");
    expect(withQuery("/x", { a: "b&c=d", n: 5, none: undefined })).toBe("/x?a=b%26c%3Dd&n=5");
  });
});

describe("finding out about a bulk form", () => {
  const attempt = (bulk: BulkForm) => bulk.attempt(fetchAll);

  it("remembers that there is one", async () => {
    paging(records(2));
    const bulk = new BulkForm("warranty", "auto");
    expect([bulk.possible, bulk.certain]).toEqual([true, false]);
    expect((await attempt(bulk))?.value).toHaveLength(2);
    expect(bulk.certain).toBe(true);
  });

  it.each([
    ["a 404", { status: 404, body: {} }],
    ["a 405", { status: 405, body: {} }],
    ["a 422", { status: 422, body: { detail: "vehicle_id" } }],
    ["the answer of another endpoint", { body: { status: "ok" } }],
  ])("takes %s for its absence, and asks no more", async (_name, reply) => {
    answer = () => reply;
    const bulk = new BulkForm("warranty", "auto");
    expect(await attempt(bulk)).toBeNull();
    expect(bulk.possible).toBe(false);
    expect(await attempt(bulk)).toBeNull();
    expect(asked).toHaveLength(1);
  });

  it.each([
    ["a 500", { status: 500, body: {} }, "answered 500"],
    ["a 503", { status: 503, body: {} }, "answered 503"],
    ["a 401", { status: 401, body: {} }, "refused with 401"],
    ["garbage", { text: "<html>" }, "answer is not JSON"],
  ])("learns nothing from %s, and asks again", async (_name, reply, message) => {
    answer = () => reply;
    const bulk = new BulkForm("warranty", "auto");
    await expect(attempt(bulk)).rejects.toThrow(message);
    expect(bulk.possible).toBe(true);
    paging(records(2));
    expect((await attempt(bulk))?.value).toHaveLength(2);
  });

  it("stays certain once found, whatever fails later", async () => {
    paging(records(1));
    const bulk = new BulkForm("warranty", "auto");
    await attempt(bulk);
    answer = () => ({ status: 405, body: {} });
    await expect(attempt(bulk)).rejects.toThrow("refused with 405");
    expect(bulk.certain).toBe(true);
  });

  it("is not needed where it is configured", async () => {
    answer = () => ({ status: 404, body: {} });
    expect(await attempt(new BulkForm("warranty", "off"))).toBeNull();
    expect(asked).toHaveLength(0);
    const on = new BulkForm("warranty", "on");
    expect(await attempt(on)).toBeNull();
    expect(on.certain).toBe(true);
  });
});
