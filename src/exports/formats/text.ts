import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { stringify } from "csv-stringify/sync";
import type { ExportCell, ExportFormat, ExportTable } from "./format.js";

type Row = readonly ExportCell[];

/** A format that is written as pieces of text, one after the other. */
function textFormat(
  extension: string,
  mediaType: string,
  pieces: (table: ExportTable) => AsyncIterable<string>,
): ExportFormat {
  return {
    extension,
    mediaType,
    write: (file, table) =>
      pipeline(Readable.from(pieces(table), { highWaterMark: 1 }), createWriteStream(file, { mode: 0o600 })),
  };
}

/** RFC 4180, with the byte order mark that Excel needs to read UTF-8. A text that begins like a formula is kept from being one. */
export const CSV = textFormat("csv", "text/csv; charset=utf-8", async function* (table) {
  const lines = (rows: readonly Row[]) => stringify([...rows], { escape_formulas: true, record_delimiter: "windows" });
  yield `\ufeff${lines([table.columns.map(({ id }) => id)])}`;
  for await (const page of table.pages) if (page.length > 0) yield lines(page);
  const note = table.note?.();
  if (note) yield lines([[`# ${note}`]]);
});

function objectOf({ columns }: ExportTable, row: Row): string {
  return JSON.stringify(Object.fromEntries(columns.map(({ id }, i) => [id, row[i] ?? null])));
}

/** An object a line. A note is an object with nothing but `_note`. */
export const NDJSON = textFormat("ndjson", "application/x-ndjson; charset=utf-8", async function* (table) {
  for await (const page of table.pages) yield page.map((row) => `${objectOf(table, row)}\n`).join("");
  const note = table.note?.();
  if (note) yield `${JSON.stringify({ _note: note })}\n`;
});

/** `{ "columns": […], "rows": [{…}], "rowCount": 2, "note": null }` */
export const JSON_ = textFormat("json", "application/json; charset=utf-8", async function* (table) {
  yield `{"columns":${JSON.stringify(table.columns)},"rows":[`;
  let count = 0;
  for await (const page of table.pages) {
    const separator = count > 0 && page.length > 0 ? "," : "";
    yield separator + page.map((row) => `\n${objectOf(table, row)}`).join(",");
    count += page.length;
  }
  yield `\n],"rowCount":${count},"note":${JSON.stringify(table.note?.() ?? null)}}\n`;
});
