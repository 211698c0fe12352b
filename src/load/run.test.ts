import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { Collector, load, newFolder } from "../../tests/support/loading.js";
import { FIELDS } from "./fields.js";

const ROWS = [
  { at: "2024-07-04T12:00:00Z", who: "ada", note: 'a, "quoted"\nline', n: "1" },
  { at: "2024-07-04T12:00:01Z", who: "bob", note: "plain", n: "2" },
  { at: "2024-07-04T12:00:02Z", who: "Zoë", note: "日本", n: "3" },
];
const MAP = ["--type", "visit", "--map", "time=at,user=who"];

async function fileOf(name: string, content: string | Buffer): Promise<string> {
  const path = join(newFolder(), name);
  await writeFile(path, content);
  return path;
}

function delimited(delimiter: string, rows: readonly Record<string, string>[] = ROWS): string {
  const quoted = (cell: string) => `"${cell.replaceAll('"', '""')}"`;
  const lines = [Object.keys(rows[0] ?? {}), ...rows.map((row) => Object.values(row).map(quoted))];
  return lines.map((cells) => cells.join(delimiter)).join("\n");
}

const ndjson = ROWS.map((row) => JSON.stringify(row)).join("\n");

describe("every format gives the same events", () => {
  const formats: [string, string | Buffer, string[]][] = [
    ["f.csv", delimited(","), []],
    ["f.csv", delimited(";"), ["--delimiter", ";"]],
    ["f.tsv", delimited("\t"), []],
    ["f.txt", delimited("\t"), ["--format", "csv", "--delimiter", "tab"]],
    ["f.ndjson", `${ndjson}\n`, []],
    ["f.jsonl", ndjson, []],
    ["f.json", ndjson, []],
    ["f.json", JSON.stringify(ROWS), []],
    ["f.json", ` \n${JSON.stringify(ROWS, null, 2)}\n`, []],
    ["f.csv.gz", gzipSync(delimited(",")), []],
    ["f.json.gz", gzipSync(JSON.stringify(ROWS)), []],
    ["f", gzipSync(ndjson), ["--format", "ndjson"]],
  ];

  it.each(formats)("%s %#", async (name, content, options) => {
    const sender = new Collector();
    const { code, out } = await load([await fileOf(name, content), ...MAP, ...options], sender);
    expect([code, out]).toEqual([0, "3 events taken in, 0 set aside\n"]);
    expect(sender.events.map(({ id: _, ...event }) => event)).toEqual(
      ROWS.map((properties) => ({
        type: "visit",
        time: properties.at.replace("Z", ".000Z"),
        user: properties.who,
        properties,
      })),
    );
    expect(sender.isClosed).toBe(true);
  });

  it.each(["csv", "json"])("from standard input, as %s, which leaves nothing behind", async (format) => {
    const sender = new Collector();
    const content = format === "csv" ? delimited(",") : ndjson;
    const io = { stdin: Readable.from([content.slice(0, 9), content.slice(9)]) };
    expect((await load(["-", "--format", format, ...MAP], sender, io)).code).toBe(0);
    expect(sender.events.map(({ user }) => user)).toEqual(["ada", "bob", "Zoë"]);
  });

  it("in another encoding", async () => {
    const path = await fileOf("f.csv", Buffer.from("at,who\n2024-07-04,Zoë\n", "latin1"));
    const sender = new Collector();
    await load([path, ...MAP, "--encoding", "windows-1252"], sender);
    expect(sender.events[0]?.user).toBe("Zoë");
  });

  it("in batches of at most 1,000", async () => {
    const rows = Array.from({ length: 2500 }, (_, n) => ({ at: "2024-07-04", who: String(n) }));
    const sender = new Collector();
    await load([await fileOf("f.csv", delimited(",", rows)), ...MAP], sender);
    expect([sender.batches, sender.events.length]).toEqual([3, 2500]);
  });

  it("in batches of less than 10 MB", async () => {
    const line = JSON.stringify({ at: "2024-07-04", note: "日".repeat(400_000) });
    const sender = new Collector();
    await load([await fileOf("f.ndjson", `${line}\n`.repeat(20)), ...MAP.slice(0, 2), "--map", "time=at"], sender);
    expect([sender.batches, sender.events.length]).toEqual([3, 20]);
  });
});

describe("faulty rows", () => {
  it("are sent to be set aside, counted, told for the first few, and hold nothing up", async () => {
    const path = await fileOf("f.csv", "at,who\n2024-07-04,a\nsoon,b\n1,2,3\n2024-07-05,c\n");
    const sender = new Collector();
    const { code, out, err } = await load([path, ...MAP], sender);
    expect([code, out]).toEqual([0, "2 events taken in, 2 set aside (see: crowsnest dead-letters list)\n"]);
    expect(sender.events.map(({ user }) => user)).toEqual(["a", "c"]);
    expect(sender.setAside.map((line) => JSON.parse(line))).toMatchObject([
      { type: "visit", time: "soon", user: "b" },
      { row: 3, fault: "expected 2 cells, found 3", raw: "1,2,3" },
    ]);
    expect(err).toContain('row 2: its time is not ISO 8601 or epoch seconds or milliseconds: "soon"\n');
    expect(err).toContain("row 3: expected 2 cells, found 3\n");
  });

  it("of JSON are sent as they stand", async () => {
    const path = await fileOf(
      "f.ndjson",
      '{"at":"2024-07-04","who":"a"}\n{"at":\n[1]\n\n{"at":"2024-07-05","who":"b"}\n',
    );
    const sender = new Collector();
    await load([path, ...MAP], sender);
    expect(sender.setAside).toEqual(['{"at":', "[1]"]);
    expect(sender.events).toHaveLength(2);
  });
});

describe("a dry run", () => {
  it("shows three events and what is wrong, and sends nothing", async () => {
    const path = await fileOf("f.csv", "at,who\nsoon,x\n2024-07-01,a\n2024-07-02,b\n2024-07-03,c\n2024-07-04,d\n");
    const dataDir = newFolder();
    const sender = new Collector();
    const { code, out } = await load([path, ...MAP, "--dry-run"], sender, { dataDir });
    expect(code).toBe(0);
    expect(out.match(/"user": "\w"/g)).toEqual(['"user": "a"', '"user": "b"', '"user": "c"']);
    expect(out).toContain("row 1: its time is not ISO 8601");
    expect(out).toMatch(/5 rows read, 1 of them faulty; nothing was sent\n$/);
    expect([sender.batches, await readdir(dataDir)]).toEqual([0, []]);
  });
});

describe("wrong usage ends with 2 and one clear line", () => {
  const csv = "at,who\n2024-07-04,a\n";
  it.each<[string, string, string | Buffer, string[]]>([
    ["an unknown column", 'no column "when" (time=when). It has: at, who', csv, ["--type", "t", "--map", "time=when"]],
    ["no type", "--type NAME", csv, []],
    ["an unknown option", "Unknown option '--colour'", csv, ["--colour"]],
    ["an unknown format", "expected csv, tsv, json, ndjson, parquet", csv, [...MAP, "--format", "xml"]],
    ["an unknown zone", "Europe/Berlin", csv, [...MAP, "--time-zone", "Nowhere"]],
    ["a wrong time format", "%Q is not known", csv, [...MAP, "--time-format", "%Q"]],
    ["a long delimiter", "one character", csv, [...MAP, "--delimiter", "::"]],
    ["an unknown encoding", "--encoding klingon", csv, [...MAP, "--encoding", "klingon"]],
    ["a wrong limit", "whole number from 1", csv, [...MAP, "--limit", "0"]],
    ["a wrong URL", "expected http://", csv, [...MAP, "--url", "gateway"]],
    ["two tokens", "one of them", csv, [...MAP, "--token", "a", "--token-file", "b"]],
    ["a missing token file", "cannot read the token", csv, [...MAP, "--url", "http://a", "--token-file", "/none"]],
    ["an empty file", "is empty", "", MAP],
    ["a column that is there twice", 'names "at" twice', "at,at\n", MAP],
    ["another format", "is a Parquet file", "PAR1....PAR1", MAP],
    ["JSON that holds no objects", "none of its first rows is a JSON object", "1\n2\n", [...MAP, "--format", "json"]],
    ["UTF-16", "is UTF-16", Buffer.from("\uFEFFat,who\n", "utf16le"), MAP],
  ])("%s", async (_, message, content, args) => {
    const path = await fileOf("f.csv", content);
    const { code, out, err } = await load([path, ...args], new Collector());
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain(message);
    expect(err.trimEnd().split("\n")).toHaveLength(1);
  });

  it.each([
    [["/nowhere/f.csv", ...MAP], "/nowhere/f.csv: there is no such file"],
    [[newFolder(), ...MAP], "is a folder"],
    [["-", ...MAP], "standard input has no name"],
    [["-", "--format", "csv", ...MAP], "standard input is empty"],
    [["a.csv", "b.csv", ...MAP, "--state", "s"], "--state keeps the state of one file"],
    [MAP, "which file?"],
  ])("%j", async (args, message) => {
    const { code, err } = await load(args, new Collector());
    expect(code).toBe(2);
    expect(err).toContain(message);
  });

  it("of a name that does not tell the format", async () => {
    const { code, err } = await load([await fileOf("data.bin", csv), ...MAP], new Collector());
    expect([code, err]).toEqual([2, expect.stringContaining("--format csv|tsv|json|ndjson|parquet")]);
  });
});

describe("a file that ends too early", () => {
  it("is no file that was loaded", async () => {
    const whole = gzipSync(
      Array.from({ length: 5000 }, (_, n) => `{"at":"2024-07-04","who":"u${n * 7919}"}\n`).join(""),
    );
    const path = await fileOf("f.ndjson.gz", whole.subarray(0, -100));
    const { code, out, err } = await load([path, ...MAP], new Collector());
    expect([code, out]).toEqual([1, ""]);
    expect(err).toContain("unexpected end of file");
  });
});

describe("help", () => {
  it("tells every field and option", async () => {
    const { code, out } = await load(["--help"], new Collector());
    expect(code).toBe(0);
    for (const field of FIELDS) expect(out).toContain(field);
    const source = await readFile(new URL("./options.ts", import.meta.url), "utf8");
    const spec = source.slice(source.indexOf("const SPEC"), source.indexOf("} as const"));
    const names = [...spec.matchAll(/^ {2}"?([\w-]+)"?: \{ type/gm)].map((match) => match[1]);
    expect(names.length).toBeGreaterThan(15);
    expect(names.filter((name) => !out.includes(`--${name}`))).toEqual([]);
  });
});
