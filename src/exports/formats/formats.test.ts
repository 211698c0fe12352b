import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { asyncBufferFromFile, parquetMetadataAsync } from "hyparquet";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EXPORT_FORMATS, type ExportCell, type ExportFormatName, type ExportTable } from "./index.js";

const NAUGHTY = [
  "=cmd|' /C calc'!A0",
  "+1+1",
  "-2",
  "@SUM(A1)",
  "\tTab",
  'quote " and, comma',
  "two\r\nlines",
  "nul\u0000 \u001f",
  "mark\ufeff",
  "田中さん 🇳🇬",
  "",
];
const COLUMNS: ExportTable["columns"] = [
  { id: "name", title: "Name", type: "TEXT" },
  { id: "count", title: "Count", type: "NUMBER" },
  { id: "amount", title: "Amount", type: "DECIMAL" },
  { id: "at", title: "At", type: "TIME" },
  { id: "day", title: "Day", type: "DATE" },
  { id: "isOpen", title: "Open", type: "BOOLEAN" },
];
const ROWS: ExportCell[][] = NAUGHTY.map((name, i) => [
  name,
  i / 4,
  `${i}.50`,
  new Date(Date.UTC(2026, 0, 1 + i, 12)).toISOString(),
  `2026-03-${String(i + 1).padStart(2, "0")}`,
  i % 2 === 0,
]);
ROWS.push([null, null, null, null, null, null]);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "exports-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function* pagesOf(rows: readonly ExportCell[][]) {
  yield rows.slice(0, 5);
  yield [];
  yield rows.slice(5);
}

async function written(format: ExportFormatName, rows: readonly ExportCell[][] = ROWS, note: string | null = null) {
  const { extension, write } = EXPORT_FORMATS[format];
  const file = join(folder, `${format}-${rows.length}-${note ?? ""}.${extension}`);
  await write(file, { name: "Things", columns: COLUMNS, pages: pagesOf(rows), note: () => note });
  return file;
}

/** What an engine that knows the formats by itself reads. */
async function readBack(sql: string): Promise<unknown[][]> {
  const connection = await (await DuckDBInstance.create()).connect();
  const reader = await connection.runAndReadAll(sql);
  return reader.getRowsJson() as unknown[][];
}

describe("CSV", () => {
  it("is read back as it was written, but for what would be a formula", async () => {
    const file = await written("csv");
    const rows = await readBack(
      `SELECT * FROM read_csv('${file}', all_varchar = true, nullstr = '', quote = '"', escape = '"')`,
    );
    const texts = ROWS.map((row) => row.map((cell) => (cell === null || cell === "" ? null : String(cell))));
    const isFormula = (text: string | null) => text !== null && /^[=+\-@\t\r]/.test(text);
    const escaped = texts.map((row) => row.map((text) => (isFormula(text) ? `'${text}` : text)));
    expect(rows.map((row) => row.slice(0, 3))).toEqual(
      escaped.map(([name = null, count = null, amount = null]) => [name, count, amount]),
    );
  });

  it("begins with what Excel knows UTF-8 by, and ends lines as RFC 4180 says", async () => {
    const text = (await readFile(await written("csv", [["a", 1, "1.00", null, null, true]]))).toString();
    expect(text).toBe("\ufeffname,count,amount,at,day,isOpen\r\na,1,1.00,,,1\r\n");
  });
});

describe("NDJSON and JSON", () => {
  const objects = ROWS.map((row) => Object.fromEntries(COLUMNS.map(({ id }, i) => [id, row[i]])));

  it("hold every cell as it is", async () => {
    const lines = (await readFile(await written("ndjson"))).toString().trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(objects);
    const whole = JSON.parse((await readFile(await written("json"))).toString()) as unknown;
    expect(whole).toEqual({ columns: COLUMNS, rows: objects, rowCount: ROWS.length, note: null });
  });
});

describe("Parquet", () => {
  it("has types that others read", async () => {
    const file = await written("parquet");
    const types = await readBack(`SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM '${file}')`);
    expect(types).toEqual([
      ["name", "VARCHAR"],
      ["count", "DOUBLE"],
      ["amount", "VARCHAR"],
      ["at", "TIMESTAMP"],
      ["day", "DATE"],
      ["isOpen", "BOOLEAN"],
    ]);
    const rows = await readBack(
      `SELECT name, count, amount, epoch_ms("at")::VARCHAR, day::VARCHAR, isOpen FROM '${file}'`,
    );
    const expected = ROWS.map(([name, count, amount, at, day, isOpen]) => [
      ...[name, count, amount, at === null ? null : String(Date.parse(String(at))), day, isOpen],
    ]);
    expect(rows).toEqual(expected);
  });

  it("is written in groups of rows, each let go of once it is there", async () => {
    const many = Array.from({ length: 45_000 }, (_, i): ExportCell[] => [`row ${i}`, i, null, null, null, null]);
    const metadata = await parquetMetadataAsync(await asyncBufferFromFile(await written("parquet", many)));
    expect(metadata.row_groups.map(({ num_rows }) => Number(num_rows))).toEqual([20_000, 20_000, 5_000]);
  });
});

describe.each(Object.keys(EXPORT_FORMATS) as ExportFormatName[])("%s", (format) => {
  it("is a good file without any row", async () => {
    const file = await written(format, []);
    const reading = { csv: "read_csv", ndjson: "read_json", json: "read_json", parquet: "read_parquet" }[format];
    if (format === "ndjson") expect((await readFile(file)).length).toBe(0);
    else
      expect(await readBack(`SELECT count(*)::INT FROM ${reading}('${file}')`)).toEqual([[format === "json" ? 1 : 0]]);
  });

  it("tells its note inside", async () => {
    const file = await written(format, ROWS.slice(0, 1), "Cut off after 1 of 12 rows");
    expect((await readFile(file)).toString("latin1")).toContain("Cut off after 1 of 12 rows");
  });

  it("fails with what the rows fail with", async () => {
    async function* failing() {
      yield ROWS.slice(0, 2);
      throw new Error("the store is away");
    }
    const { write } = EXPORT_FORMATS[format];
    const table = { name: "x", columns: COLUMNS, pages: failing() };
    await expect(write(join(folder, `failing.${format}`), table)).rejects.toThrow("the store is away");
  });
});
