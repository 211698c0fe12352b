import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { csvRows, type Split } from "./csv.js";
import { lineBlocks } from "./lines.js";

/** Rows of a text that arrives in pieces of `size` bytes. */
async function rowsOf(text: string | Buffer, { delimiter = ",", size = 7 } = {}): Promise<Split[]> {
  const bytes = Buffer.from(text);
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += size) yield { bytes: bytes.subarray(at, at + size), fraction: 1 };
  }
  const rows: Split[] = [];
  for await (const block of csvRows(lineBlocks(chunks(), "utf-8"), delimiter)) rows.push(...block.rows);
  return rows;
}

describe("splitting CSV", () => {
  it.each<[string, string, string[][]]>([
    [
      "plain cells",
      "a,b\n1,2\n",
      [
        ["a", "b"],
        ["1", "2"],
      ],
    ],
    [
      "a last line without an end",
      "a,b\n1,2",
      [
        ["a", "b"],
        ["1", "2"],
      ],
    ],
    [
      "line ends of Windows",
      "a,b\r\n1,2\r\n",
      [
        ["a", "b"],
        ["1", "2"],
      ],
    ],
    [
      "both kinds of line ends",
      "a,b\r\n1,2\n",
      [
        ["a", "b"],
        ["1", "2"],
      ],
    ],
    ["a byte order mark", "\uFEFFa,b\n", [["a", "b"]]],
    ["quoted delimiters", '"a,1",b\n', [["a,1", "b"]]],
    ["doubled quotes", '"say ""hi""",""""\n', [['say "hi"', '"']]],
    ["line breaks in quotes", '"one\r\ntwo\n\nthree",x\n', [["one\r\ntwo\n\nthree", "x"]]],
    ["quotes inside an unquoted cell", '5" pipe,a"b"c\n', [['5" pipe', 'a"b"c']]],
    [
      "empty cells",
      ',\n"",x\na,\n',
      [
        ["", ""],
        ["", "x"],
        ["a", ""],
      ],
    ],
    ["empty quoted cells at the end", 'a,""\r\n', [["a", ""]]],
    [
      "no rows of empty lines",
      "a,b\n\n\r\n1,2\n",
      [
        ["a", "b"],
        ["1", "2"],
      ],
    ],
    ["letters of several bytes", "é,日本,😀\n", [["é", "日本", "😀"]]],
  ])("reads %s", async (_, text, expected) => {
    for (const size of [1, 2, 3, 1000]) expect(await rowsOf(text, { size })).toEqual(expected);
  });

  it("takes other delimiters", async () => {
    expect(await rowsOf('a;"b;c"\n', { delimiter: ";" })).toEqual([["a", "b;c"]]);
    expect(await rowsOf("a\tb,c\n", { delimiter: "\t" })).toEqual([["a", "b,c"]]);
  });

  it("gives back any cells that were quoted as RFC 4180 says", async () => {
    const cell = fc.string({ unit: fc.constantFrom("a", '"', ",", "\n", "\r", "é", " ") });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { maxLength: 5 }), async (rows) => {
        const text = rows.map((cells) => cells.map((value) => `"${value.replaceAll('"', '""')}"`).join(","));
        expect(await rowsOf(text.join("\r\n"))).toEqual(rows);
      }),
      { numRuns: 200 },
    );
  });

  it("reads plain cells the same with and without quotes in their row", async () => {
    const cell = fc.string({ unit: fc.constantFrom("a", "b", " ", "é"), minLength: 1 });
    await fc.assert(
      fc.asyncProperty(fc.array(cell, { minLength: 2 }), async (cells) => {
        const [plain, quoted] = await rowsOf(`${cells.join(",")}\n"${cells[0]}",${cells.slice(1).join(",")}\n`);
        expect(plain).toEqual(quoted);
      }),
      { numRuns: 100 },
    );
  });
});

describe("what CSV cannot split", () => {
  it("spoils its own row only, where text stands behind a closing quote", async () => {
    expect(await rowsOf('1,a\n2,"b"x\n3,c\n')).toEqual([
      ["1", "a"],
      { fault: "text stands behind a closing quote", raw: '2,"b"x' },
      ["3", "c"],
    ]);
  });

  it("spoils its own row only, where a quote is never closed", async () => {
    expect(await rowsOf('1,a\n2,"b\n3,c\n4,d\n')).toEqual([
      ["1", "a"],
      { fault: "a quote is opened and never closed", raw: '2,"b' },
      ["3", "c"],
      ["4", "d"],
    ]);
  });

  it("does not take the rest of a large file for one cell", async () => {
    const lines = Array.from({ length: 300_000 }, (_, i) => `${i},row`);
    const rows = await rowsOf(`0,"open\n${lines.join("\n")}\n9,"x"\n`, { size: 65_536 });
    expect(rows).toHaveLength(300_002);
    expect(rows[0]).toEqual({ fault: "a quote is opened and never closed", raw: '0,"open' });
    expect(rows.at(-1)).toEqual(["9", "x"]);
  });

  it("says so where bytes are no UTF-8, and reads the lines around", async () => {
    const bytes = Buffer.concat([Buffer.from("1,a\n2,caf"), Buffer.from([0xe9]), Buffer.from("\n3,c\n")]);
    const [first, second, third] = await rowsOf(bytes, { size: 100 });
    expect([first, third]).toEqual([
      ["1", "a"],
      ["3", "c"],
    ]);
    expect(second).toMatchObject({ fault: expect.stringContaining("--encoding"), raw: "2,caf\uFFFD" });
  });
});
