import { open, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { describe, expect, it } from "vitest";
import { Collector, load, newFolder } from "../../tests/support/loading.js";

/** Writes the rows of a query as Parquet. */
async function parquetOf(query: string, name = "rows.parquet", options = ""): Promise<string> {
  const path = join(newFolder(), name);
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run(`COPY (${query}) TO '${path.replaceAll("'", "''")}' (FORMAT parquet ${options})`);
  connection.closeSync();
  instance.closeSync();
  return path;
}

describe("a Parquet file", () => {
  it("keeps the types of its columns, and has no properties where it has nulls", async () => {
    const path =
      await parquetOf(`SELECT 7 AS i, 9007199254740993 AS big, 0.58::DECIMAL(10,2) AS price, 0.1::DOUBLE AS d,
      'NaN'::DOUBLE AS nan, true AS flag, NULL::VARCHAR AS nothing, TIMESTAMP '2024-07-04 12:00:00.5' AS at,
      TIMESTAMPTZ '2024-07-04 12:00:00+02' AS moment, DATE '2024-07-04' AS day, {'login': 'ada'} AS actor, [1, 2] AS list`);
    const sender = new Collector();
    const { code } = await load(
      [path, "--type", "t", "--map", "time=moment,user=actor.login,amount=price,id=big"],
      sender,
    );
    expect(code).toBe(0);
    expect(sender.events).toEqual([
      {
        type: "t",
        id: "9007199254740993",
        time: "2024-07-04T10:00:00.000Z",
        user: "ada",
        amount: { value: "0.58" },
        properties: {
          i: 7,
          big: "9007199254740993",
          price: 0.58,
          d: 0.1,
          flag: true,
          at: "2024-07-04 12:00:00.5",
          moment: "2024-07-04 10:00:00+00",
          day: "2024-07-04",
          actor: { login: "ada" },
          list: [1, 2],
        },
      },
    ]);
  });

  it("reads times without a zone in the zone that is given", async () => {
    const path = await parquetOf("SELECT TIMESTAMP '2024-07-04 12:00:00' AS at");
    const sender = new Collector();
    await load([path, "--type", "t", "--map", "time=at", "--time-zone", "Europe/Berlin"], sender);
    expect(sender.events[0]?.time).toBe("2024-07-04T10:00:00.000Z");
  });

  it("is sent in its order, and continued where it was left", async () => {
    const path = await parquetOf("SELECT range AS n FROM range(20000)", "rows.parquet", ", ROW_GROUP_SIZE 3000");
    const dataDir = newFolder();
    const first = new Collector();
    await load([path, "--type", "t", "--limit", "7777"], first, { dataDir });
    const second = new Collector();
    await load([path, "--type", "t"], second, { dataDir });
    expect([first.events.length, second.events.length]).toEqual([7777, 12_223]);
    const numbers = [...first.events, ...second.events].map(({ properties }) => properties.n);
    expect(numbers).toEqual(Array.from({ length: 20_000 }, (_, n) => n));
  });

  it("may be called anything, and says nothing by the folder it lies in", async () => {
    const path = await parquetOf("SELECT 1 AS n", "it's [a] *.parquet");
    const sender = new Collector();
    expect((await load([path, "--type", "t"], sender)).code).toBe(0);
    expect(sender.events[0]?.properties).toEqual({ n: 1 });
  });

  it("is not taken for whole when it is damaged", async () => {
    const path = await parquetOf(
      "SELECT range AS n, md5(range::VARCHAR) AS text FROM range(200000)",
      "rows.parquet",
      ", ROW_GROUP_SIZE 10000",
    );
    const damaged = await open(path, "r+");
    await damaged.write(Buffer.alloc(2000, 0xff), 0, 2000, Math.floor((await damaged.stat()).size * 0.8));
    await damaged.close();
    const sender = new Collector();
    const { code, err } = await load([path, "--type", "t"], sender);
    expect(code).toBe(1);
    expect(err).toMatch(/is damaged: \d+ of its 200000 rows can be read/);
    expect(sender.events.length).toBeLessThan(200_000);
  });

  it("is refused when it is none", async () => {
    const path = join(newFolder(), "rows.parquet");
    await writeFile(path, "PAR1 and nothing more");
    expect(await load([path, "--type", "t"], new Collector())).toMatchObject({
      code: 2,
      err: expect.stringContaining("cannot be read as Parquet"),
    });
    await writeFile(path, (await readFile(path)).subarray(1));
    expect(await load([path, "--type", "t"], new Collector())).toMatchObject({
      code: 2,
      err: expect.stringContaining("does not begin with PAR1"),
    });
  });
});
