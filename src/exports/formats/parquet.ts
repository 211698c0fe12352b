import { fileWriter, ParquetWriter } from "hyparquet-writer";
import type { ColumnType, ExportCell, ExportFormat } from "./format.js";

/** Rows of a group: what is held in memory. */
const ROWS_AT_ONCE = 20_000;

type Element = ConstructorParameters<typeof ParquetWriter>[0]["schema"][number];

/** Decimals stay text: one column may hold any number of digits. */
const ELEMENTS: Readonly<Record<ColumnType, Omit<Element, "name">>> = {
  TEXT: { type: "BYTE_ARRAY", converted_type: "UTF8" },
  NUMBER: { type: "DOUBLE" },
  DECIMAL: { type: "BYTE_ARRAY", converted_type: "UTF8" },
  TIME: { type: "INT64", converted_type: "TIMESTAMP_MILLIS" },
  DATE: { type: "INT32", converted_type: "DATE" },
  BOOLEAN: { type: "BOOLEAN" },
};

/** Apache Parquet, Snappy, with a note among the key-value metadata as `note`. */
export const PARQUET: ExportFormat = {
  extension: "parquet",
  mediaType: "application/vnd.apache.parquet",
  async write(file, { columns, pages, note }) {
    const schema: Element[] = [
      { name: "root", num_children: columns.length },
      ...columns.map(({ id, type }): Element => ({ name: id, repetition_type: "OPTIONAL", ...ELEMENTS[type] })),
    ];
    const writer = new ParquetWriter({ writer: fileWriter(file), schema, createdBy: "crowsnest" });
    let rows: (readonly ExportCell[])[] = [];
    const flush = async (): Promise<void> => {
      const group = rows;
      rows = [];
      if (group.length === 0) return;
      const columnData = columns.map(({ id, type }, i) => ({
        name: id,
        data: group.map((row) => parquetValue(row[i] ?? null, type)),
      }));
      await writer.write({ columnData, rowGroupSize: ROWS_AT_ONCE });
    };
    for await (const page of pages) {
      for (const row of page) {
        rows.push(row);
        if (rows.length === ROWS_AT_ONCE) await flush();
      }
    }
    await flush();
    const text = note?.();
    if (text) writer.kvMetadata = [{ key: "note", value: text }];
    await writer.finish();
  },
};

function parquetValue(cell: ExportCell, type: ColumnType): unknown {
  if (cell === null) return null;
  if (type === "TIME" || type === "DATE") return new Date(String(cell));
  return type === "TEXT" || type === "DECIMAL" ? String(cell) : cell;
}
