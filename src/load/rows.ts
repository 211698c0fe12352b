import { csvRows, type Split } from "./csv.js";
import { LoadFailed, messageOf, UsageError } from "./errors.js";
import { parseExact, withoutNaN } from "./exact-json.js";
import { arrayElements } from "./json-array.js";
import { checkEncoding, type LineBlock, lineBlocks } from "./lines.js";
import { ParquetFile } from "./rows-parquet.js";
import { bytesOf, type SourceFile } from "./source.js";

/** A row by its columns: texts from CSV and TSV, typed values from JSON and Parquet. */
export interface GoodRow {
  readonly record: Readonly<Record<string, unknown>>;
  /** The JSON text of the whole record on one line, where the file has it. */
  readonly text?: string;
}

/** A row that cannot be read: what is wrong, and how it stands in the file. */
export interface FaultyRow {
  readonly fault: string;
  readonly raw: string;
  /** JSON was expected: what stands there can be sent as it is, to be refused. */
  readonly isJson?: true;
}

export type Row = GoodRow | FaultyRow;

export interface RowBlock {
  readonly rows: readonly Row[];
  /** How much of the file has been read, 0 to 1. */
  readonly fraction: number;
}

export interface ReadOptions {
  /** Of CSV; null: a comma, of TSV a tab. */
  readonly delimiter: string | null;
  readonly encoding: string;
  /** Cells of CSV and TSV with this text count as empty. */
  readonly nulls: readonly string[];
}

/** The rows of a file, in its order. The same file has the same rows under the same numbers each time. */
export interface RowSource {
  /** Of JSON: the keys of its first rows. */
  readonly columns: readonly string[];
  /** The rows behind the first `skip`, at bounded memory. @throws LoadFailed when the file cannot be read to its end */
  read(skip: number): AsyncGenerator<RowBlock>;
  close(): void;
}

/** @throws UsageError when it is not what it is said to be */
export async function openRows(file: SourceFile, options: ReadOptions): Promise<RowSource> {
  const encoding = checkEncoding(options.encoding);
  try {
    if (file.format === "parquet") return await parquetRows(file);
    if (file.format === "csv" || file.format === "tsv") return await delimitedRows(file, { ...options, encoding });
    return await jsonRows(file, encoding);
  } catch (error) {
    throw new UsageError(`${file.name}: ${messageOf(error)}`);
  }
}

export function isFaulty(row: Row): row is FaultyRow {
  return "fault" in row;
}

async function parquetRows(file: SourceFile): Promise<RowSource> {
  const parquet = await ParquetFile.open(file.path);
  return {
    columns: parquet.columns,
    read: (skip) => named(file, rowsOf(parquet.read(skip), 0, parquetRow)),
    close: () => parquet.close(),
  };
}

async function delimitedRows(file: SourceFile, options: ReadOptions): Promise<RowSource> {
  const delimiter = options.delimiter ?? (file.format === "tsv" ? "\t" : ",");
  const split = () => csvRows(lines(file, options.encoding), delimiter);
  const columns = await headerOf(split());
  const nulls = new Set(["", ...options.nulls]);
  const toRow = (cells: Split): Row => {
    if (!isCells(cells)) return cells;
    if (cells.length === columns.length) return { record: recordOf(columns, cells, nulls) };
    return {
      fault: `expected ${columns.length} cells, found ${cells.length}`,
      raw: cells.map((cell) => quoted(cell, delimiter)).join(delimiter),
    };
  };
  // The header is a row like any other to the splitter.
  return { columns, read: (skip) => named(file, rowsOf(split(), skip + 1, toRow)), close: () => undefined };
}

async function headerOf(blocks: AsyncGenerator<{ readonly rows: readonly Split[] }>): Promise<string[]> {
  for await (const { rows } of blocks) {
    const [header] = rows;
    if (header === undefined) continue;
    if (!isCells(header)) throw new UsageError(`its first line is no header: ${header.fault}`);
    const names = header.map((name) => name.trim());
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined) throw new UsageError(`its header names "${twice}" twice`);
    return names;
  }
  throw new UsageError("it has no header line");
}

function isCells(split: Split): split is readonly string[] {
  return Array.isArray(split);
}

function recordOf(columns: readonly string[], cells: readonly string[], nulls: ReadonlySet<string>) {
  const record: Record<string, unknown> = {};
  for (let i = 0; i < columns.length; i++) {
    const cell = cells[i] as string;
    if (!nulls.has(cell)) record[columns[i] as string] = cell;
  }
  return record;
}

function quoted(cell: string, delimiter: string): string {
  return cell.includes(delimiter) || /["\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

/** Rows of which the column names of JSON are gathered. */
const SAMPLE_ROWS = 1000;

async function jsonRows(file: SourceFile, encoding: string): Promise<RowSource> {
  const isArray = file.format === "json" && (await firstCharacter(file, encoding)) === "[";
  const texts = () => (isArray ? arrayElements(bytesOf(file), encoding) : filledLines(lines(file, encoding)));
  const read = (skip: number) =>
    named(
      file,
      rowsOf<string | FaultyRow>(texts(), skip, (text) => (typeof text === "string" ? jsonRow(text) : text)),
    );
  const columns = new Set<string>();
  let seen = 0;
  for await (const { rows } of read(0)) {
    for (const row of rows.slice(0, SAMPLE_ROWS))
      if (!isFaulty(row)) for (const key of Object.keys(row.record)) columns.add(key);
    seen += rows.length;
    if (seen >= SAMPLE_ROWS) break;
  }
  if (seen === 0) throw new UsageError("it has no rows");
  if (columns.size === 0) throw new UsageError("none of its first rows is a JSON object");
  return { columns: [...columns], read, close: () => undefined };
}

async function* filledLines(blocks: AsyncIterable<LineBlock>) {
  for await (const { lines: texts, broken, fraction } of blocks) {
    const rows: (string | FaultyRow)[] = [];
    texts.forEach((text, index) => {
      if (broken.has(index)) rows.push({ fault: "not valid UTF-8", raw: text });
      else if (text.trim() !== "") rows.push(text);
    });
    yield { rows, fraction };
  }
}

async function firstCharacter(file: SourceFile, encoding: string): Promise<string> {
  const decoder = new TextDecoder(encoding);
  for await (const { bytes } of bytesOf(file)) {
    const [first] = decoder.decode(bytes, { stream: true }).trimStart();
    if (first !== undefined) return first;
  }
  return "";
}

function jsonRow(text: string): Row {
  try {
    const record = parseExact(text);
    if (record !== null && typeof record === "object" && !Array.isArray(record)) {
      return { record: record as Record<string, unknown>, text: onOneLine(text) };
    }
    return { fault: "expected a JSON object", raw: text, isJson: true };
  } catch (error) {
    return { fault: `no valid JSON: ${messageOf(error)}`, raw: text, isJson: true };
  }
}

/** A column without a value is no property of the row: as with the empty cells of CSV. */
function parquetRow(text: string): Row {
  const record = parseExact(withoutNaN(text)) as Record<string, unknown>;
  return { record: Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null)) };
}

/** Line breaks in valid JSON stand between its parts only. */
function onOneLine(text: string): string {
  return /[\r\n]/.test(text) ? text.replace(/[\r\n]+/g, " ").trim() : text;
}

function lines(file: SourceFile, encoding: string): AsyncGenerator<LineBlock> {
  return lineBlocks(bytesOf(file), encoding);
}

async function* rowsOf<T>(
  blocks: AsyncIterable<{ readonly rows: readonly T[]; readonly fraction: number }>,
  skip: number,
  toRow: (item: T) => Row,
): AsyncGenerator<RowBlock> {
  let left = skip;
  for await (const { rows, fraction } of blocks) {
    const behind = left >= rows.length ? [] : left > 0 ? rows.slice(left) : rows;
    left = Math.max(0, left - rows.length);
    yield { rows: behind.map(toRow), fraction };
  }
}

/** What goes wrong while a file is read is told with its name. */
async function* named(file: SourceFile, blocks: AsyncGenerator<RowBlock>): AsyncGenerator<RowBlock> {
  try {
    yield* blocks;
  } catch (error) {
    throw new LoadFailed(`${file.name}: ${messageOf(error)}`, { cause: error });
  }
}
