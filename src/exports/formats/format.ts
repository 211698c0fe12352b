export type ExportCell = string | number | boolean | null;

/** What a column's cells are: DECIMAL is exact text such as `12.50`, TIME and DATE are ISO 8601 text. */
export type ColumnType = "TEXT" | "NUMBER" | "DECIMAL" | "TIME" | "DATE" | "BOOLEAN";

export interface ExportColumn {
  /** In the data: a key of JSON, a column of Parquet. */
  readonly id: string;
  /** For people: the heading of a spreadsheet. */
  readonly title: string;
  readonly type: ColumnType;
}

export interface ExportTable {
  readonly name: string;
  readonly columns: readonly ExportColumn[];
  /** Cells by row, in the order of the columns, as many rows at a time as are at hand; to be read once. */
  readonly pages: AsyncIterable<readonly (readonly ExportCell[])[]>;
  /** What whoever opens the file must know of it, such as that it has been cut off; asked for after the last page. */
  note?(): string | null;
}

/** A kind of file, written row by row: memory does not grow with their number. */
export interface ExportFormat {
  readonly extension: string;
  readonly mediaType: string;
  /** Writes a new file. @throws what the pages throw: what is there of the file then is worth nothing */
  write(file: string, table: ExportTable): Promise<void>;
}
