import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ClickHouseServer, HAS_CLICKHOUSE, startClickHouse } from "../../../tests/support/chdb.js";
import { type EventStore, openClickHouseStore, StoreUnavailable } from "./index.js";

const START = Date.UTC(2026, 2, 1);
const MONTH = 31 * 24 * 3_600_000;

/** Stands between client and server and decides what becomes of a request. */
class FaultyProxy {
  /** What to do with the next INSERT into `events`; then nothing special again. */
  next:
    | "pass"
    | "lose the answer"
    | "hold back"
    | "send twice"
    | "release first"
    | { readonly status: number; readonly body: string } = "pass";
  /** Sends on what was held back. */
  release: () => Promise<void> = async () => undefined;
  readonly #server: Server;

  constructor(readonly target: string) {
    this.#server = createServer((request, response) => void this.#handle(request, response));
  }

  async listen(): Promise<string> {
    await new Promise<void>((done) => this.#server.listen(0, "127.0.0.1", done));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    const send = () => fetch(this.target + request.url, { method: "POST", body });
    const what = body.includes("INSERT INTO events") ? this.next : "pass";
    if (what !== "pass") this.next = "pass";
    if (what === "hold back") {
      this.release = async () => void (await send()).status;
      request.socket.destroy();
      return;
    }
    if (typeof what === "object") {
      response.writeHead(what.status, { "X-ClickHouse-Exception-Code": "252" }).end(what.body);
      return;
    }
    if (what === "release first") await this.release();
    if (what === "send twice") await send();
    const answer = await send();
    if (what === "lose the answer") request.socket.destroy();
    else
      response
        .writeHead(answer.status, Object.fromEntries(answer.headers))
        .end(Buffer.from(await answer.arrayBuffer()));
  }
}

describe.skipIf(!HAS_CLICKHOUSE)("an append to ClickHouse", () => {
  let server: ClickHouseServer;
  let proxy: FaultyProxy;
  let store: EventStore;
  let folder = "";
  beforeAll(async () => {
    server = await startClickHouse();
    proxy = new FaultyProxy(server.url);
    store = await openClickHouseStore({ url: await proxy.listen() });
    folder = await mkdtemp(join(tmpdir(), "crowsnest-clickhouse-append-"));
  });
  afterAll(async () => {
    await store.close();
    proxy.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** Events of two months, so that they go to two partitions. */
  async function segment(tenant: string, from: number, to: number): Promise<string> {
    const lines = Array.from({ length: to - from }, (_, i) =>
      JSON.stringify({
        tenant,
        id: `${from + i}`,
        type: "t",
        time: START + (i % 2) * MONTH,
        received: START,
        origin: "http",
        properties: {},
      }),
    );
    const path = join(folder, `${tenant}-${from}-${to}.ndjson`);
    await writeFile(path, `${lines.join("\n")}\n`);
    return path;
  }
  const total = async (tenant: string) => (await store.counts({ tenant }, "all"))[0]?.events ?? 0;

  it("whose answer was lost is stored once when it is sent again, alone or with more", async () => {
    const path = await segment("lost", 0, 1000);
    proxy.next = "lose the answer";
    await expect(store.append([path])).rejects.toBeInstanceOf(StoreUnavailable);
    const more = await segment("lost", 900, 1500);
    expect(await store.append([path, more])).toEqual({ stored: 500, duplicates: 1100 });
    expect(await total("lost")).toBe(1500);
  });

  it("that lands after it was sent again is stored once", async () => {
    const path = await segment("late", 0, 1000);
    proxy.next = "hold back";
    await expect(store.append([path])).rejects.toBeInstanceOf(StoreUnavailable);
    expect(await store.append([path])).toEqual({ stored: 1000, duplicates: 0 });
    await proxy.release();
    expect(await total("late")).toBe(1000);
  });

  it("that lands in the middle of another is stored once, and so is the other", async () => {
    const [one, other] = [await segment("one", 0, 1000), await segment("other", 0, 2000)];
    proxy.next = "hold back";
    await expect(store.append([one])).rejects.toBeInstanceOf(StoreUnavailable);
    proxy.next = "release first";
    expect(await store.append([one, other])).toEqual({ stored: 3000, duplicates: 0 });
    expect([await total("one"), await total("other")]).toEqual([1000, 2000]);
  });

  it("that something on the way sends twice is stored once", async () => {
    const path = await segment("twice", 0, 1000);
    proxy.next = "send twice";
    expect(await store.append([path])).toEqual({ stored: 1000, duplicates: 0 });
    expect(await total("twice")).toBe(1000);
  });

  it("leaves no table behind", async () => {
    const tables = await store.query("SELECT name FROM system.tables WHERE name LIKE 'incoming_%' ORDER BY name");
    expect(tables).toEqual([{ name: "incoming_new" }]);
  });

  it("is stored again after a deletion, though it was stored before", async () => {
    const path = await segment("again", 0, 100);
    await store.append([path]);
    expect(await store.deleteReceivedBefore("again", { except: [] }, START + 1)).toBe(100);
    expect(await store.append([path])).toEqual({ stored: 100, duplicates: 0 });
    expect(await total("again")).toBe(100);
  });

  it("says that the store is unavailable when the server has too many parts, and is stored later", async () => {
    const path = await segment("parts", 0, 100);
    proxy.next = { status: 500, body: "Code: 252. DB::Exception: Too many parts (TOO_MANY_PARTS)" };
    const failed = store.append([path]);
    await expect(failed).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(failed).rejects.toThrow(/Too many parts.*TOO_MANY_PARTS/);
    expect(await store.append([path])).toEqual({ stored: 100, duplicates: 0 });
  });

  it("says that the store is unavailable when something else than the server answers", async () => {
    const path = await segment("page", 0, 100);
    proxy.next = { status: 502, body: "<html>Bad gateway</html>" };
    await expect(store.append([path])).rejects.toBeInstanceOf(StoreUnavailable);
    expect(await store.append([path])).toEqual({ stored: 100, duplicates: 0 });
  });

  it("asks the server itself to drop old events, when the store is opened so", async () => {
    const definition = async (of: EventStore) =>
      (await of.query<{ engine: string }>("SELECT engine_full AS engine FROM system.tables WHERE name = 'events'"))[0]
        ?.engine;
    const url = server.url;
    for (const [retentionDays, expected] of [
      [90, "toIntervalDay(90)"],
      [30, "toIntervalDay(30)"],
      [30, "toIntervalDay(30)"],
    ] as const) {
      const other = await openClickHouseStore({ url, retentionDays });
      expect(await definition(other)).toContain(expected);
      await other.close();
    }
    const other = await openClickHouseStore({ url });
    expect(await definition(other)).not.toContain("TTL");
    await other.close();
  });

  it("does not open a store whose server is away, and says where it should be", async () => {
    await expect(openClickHouseStore({ url: "http://user:secret@127.0.0.1:1/events" })).rejects.toThrow(
      /^ClickHouse cannot be reached: connect ECONNREFUSED 127\.0\.0\.1:1$/,
    );
    expect(store.description).toMatch(/^ClickHouse 127\.0\.0\.1:\d+\/default$/);
  });
});
