import { parseArgs } from "node:util";
import { messageOf, UsageError } from "./errors.js";
import { readMapping } from "./fields.js";
import type { MappingOptions } from "./mapping.js";
import type { ReadOptions } from "./rows.js";
import { FORMATS, type Format } from "./source.js";

/** Everything that the command line of a load says. */
export interface LoadOptions {
  /** Paths; `-` is standard input. */
  readonly files: readonly string[];
  readonly format: Format | null;
  readonly reading: ReadOptions;
  readonly mapping: MappingOptions;
  /** Null: the gateway of DATA_DIR. */
  readonly url: string | null;
  readonly token: string | null;
  readonly tokenFile: string | null;
  readonly state: string | null;
  readonly restart: boolean;
  /** Of rows, counted from the start of each file. */
  readonly limit: number | null;
  readonly dryRun: boolean;
  readonly quiet: boolean;
}

export const LOAD_HELP = `crowsnest load FILE… --type NAME --map FIELD=COLUMN,… [options]

Sends the rows of files as events. A load that was interrupted goes on where it was; a file that was loaded is not
loaded again. What cannot be taken in goes to the dead letters, and the load goes on.

  FILE                   CSV, TSV, JSON (an array or lines), NDJSON or Parquet, also .gz; - is standard input

What a row means
  --type NAME            type of all events
  --type-from COLUMN     column that holds the type
  --map FIELD=COLUMN,…   columns that fill fields; a.b is key b of the JSON object in column a
                         FIELD: id time user session subject country region city latitude longitude amount currency
  --set FIELD=VALUE,…    the same value for all rows
  --currency CODE        the same as --set currency=CODE
  --properties LIST      columns that become properties: all (default, mapped ones too), none, or a,b,c
  --numbers a,b,c        columns whose text is turned into numbers
  --null TEXT            cells of CSV and TSV with this text are empty (repeatable)
  --time-format FORMAT   s, ms, us or ns since 1970, or a pattern such as '%d/%m/%Y %H:%M:%S'
                         default: ISO 8601, or seconds or milliseconds since 1970
  --time-zone ZONE       of times that do not say theirs, such as Europe/Berlin (default UTC)
  --id-prefix TEXT       put before the ids of rows that no column gives one: stores a loaded file once more

How files are read
  --format FORMAT        csv, tsv, json, ndjson or parquet; default: by the name, needed for -
  --delimiter CHARACTER  of CSV (default a comma)
  --encoding NAME        utf-8 (default), or a single-byte one such as windows-1252

Where it goes
  --url URL              root of a running gateway; default: the gateway of DATA_DIR, running or not
  --token TOKEN          or --token-file FILE, CROWSNEST_TOKEN, CROWSNEST_TOKEN_FILE
  --state FILE           where to keep how far the load has come; default: DATA_DIR/loads/
  --restart              begin anew; events that have their ids are not stored twice
  --limit N              no more than the first N rows of each file
  --dry-run              show the first three events and what is wrong with rows; send nothing
  --quiet                no progress

Exit codes: 0 done, 1 failed, 2 wrong usage or file, 130 interrupted (Ctrl-C; the same command goes on).`;

const SPEC = {
  type: { type: "string" },
  "type-from": { type: "string" },
  map: { type: "string", multiple: true, default: [] as string[] },
  set: { type: "string", multiple: true, default: [] as string[] },
  currency: { type: "string" },
  properties: { type: "string", default: "all" },
  numbers: { type: "string", multiple: true, default: [] as string[] },
  null: { type: "string", multiple: true, default: [] as string[] },
  "time-format": { type: "string" },
  "time-zone": { type: "string", default: "UTC" },
  "id-prefix": { type: "string", default: "" },
  format: { type: "string" },
  delimiter: { type: "string" },
  encoding: { type: "string", default: "utf-8" },
  url: { type: "string" },
  token: { type: "string" },
  "token-file": { type: "string" },
  state: { type: "string" },
  restart: { type: "boolean", default: false },
  limit: { type: "string" },
  "dry-run": { type: "boolean", default: false },
  quiet: { type: "boolean", default: false },
} as const;

/** @throws UsageError */
export function readOptions(args: readonly string[]): LoadOptions {
  const { values, positionals: files } = parse(args);
  if (files.length === 0) throw new UsageError(`which file? ${firstLine(LOAD_HELP)}`);
  if (values.state !== undefined && files.length > 1) {
    throw new UsageError("--state keeps the state of one file: load them one by one, or leave it out");
  }
  if (values.token !== undefined && values["token-file"] !== undefined) {
    throw new UsageError("--token and --token-file: one of them");
  }
  return {
    files,
    format: formatOf(values.format, files),
    reading: { delimiter: delimiterOf(values.delimiter), encoding: values.encoding, nulls: values.null },
    mapping: {
      mapping: readMapping(values),
      timeFormat: values["time-format"] ?? null,
      timeZone: values["time-zone"],
      properties: propertiesOf(values.properties),
      numbers: values.numbers.flatMap(columnList),
      idPrefix: values["id-prefix"],
    },
    url: values.url ?? null,
    token: values.token ?? null,
    tokenFile: values["token-file"] ?? null,
    state: values.state ?? null,
    restart: values.restart,
    limit: limitOf(values.limit),
    dryRun: values["dry-run"],
    quiet: values.quiet,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: SPEC, allowPositionals: true });
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
}

function formatOf(text: string | undefined, files: readonly string[]): Format | null {
  if (text === undefined) {
    if (files.includes("-")) throw new UsageError(`standard input has no name: --format ${FORMATS.join("|")}`);
    return null;
  }
  const format = FORMATS.find((known) => known === text);
  if (format) return format;
  throw new UsageError(`--format ${text}: expected ${FORMATS.join(", ")}`);
}

function delimiterOf(text: string | undefined): string | null {
  if (text === undefined) return null;
  const delimiter = text === "\\t" || text === "tab" ? "\t" : text;
  if (delimiter.length === 1 && !/["\r\n]/.test(delimiter)) return delimiter;
  throw new UsageError(`--delimiter ${text}: expected one character, or tab`);
}

function propertiesOf(text: string): MappingOptions["properties"] {
  return text === "all" || text === "none" ? text : columnList(text);
}

function columnList(text: string): string[] {
  return text
    .split(",")
    .map((column) => column.trim())
    .filter(Boolean);
}

function limitOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  const limit = Number(text);
  if (Number.isSafeInteger(limit) && limit >= 1) return limit;
  throw new UsageError(`--limit ${text}: expected a whole number from 1`);
}

function firstLine(text: string): string {
  return text.split("\n")[0] as string;
}
