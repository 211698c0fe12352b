import type { ExportFormat } from "./format.js";
import { PARQUET } from "./parquet.js";
import { CSV, JSON_, NDJSON } from "./text.js";

export type { ColumnType, ExportCell, ExportColumn, ExportFormat, ExportTable } from "./format.js";

/** A further format is a file that implements `ExportFormat`, and its line here. */
export const EXPORT_FORMATS = {
  csv: CSV,
  ndjson: NDJSON,
  json: JSON_,

  parquet: PARQUET,
} as const satisfies Record<string, ExportFormat>;
export type ExportFormatName = keyof typeof EXPORT_FORMATS;
