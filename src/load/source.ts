import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, open, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { messageOf, UsageError } from "./errors.js";

export const FORMATS = ["csv", "tsv", "json", "ndjson", "parquet"] as const;
export type Format = (typeof FORMATS)[number];

/** A file to load, known by what is in it and not by what it is called. */
export interface SourceFile {
  /** For messages. */
  readonly name: string;
  readonly path: string;
  readonly format: Format;
  readonly gzipped: boolean;
  readonly bytes: number;
  /**
   * SHA-256 of size, first and last megabyte, hexadecimal: the same file is known again under another name, and a large
   * one is not read twice.
   */
  readonly identity: string;
}

const MEGABYTE = 1024 * 1024;
const EXTENSIONS: Readonly<Record<string, Format>> = {
  csv: "csv",
  tsv: "tsv",
  tab: "tsv",
  json: "json",
  ndjson: "ndjson",
  jsonl: "ndjson",
  parquet: "parquet",
};

/**
 * Finds out what a file is: its format by `format`, else by its extension; compression by its first bytes.
 * @throws UsageError
 */
export async function openSource(path: string, format: Format | null, name = path): Promise<SourceFile> {
  const handle = await open(path).catch((error: unknown) => {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    throw new UsageError(isMissing ? `${name}: there is no such file` : `${name}: ${messageOf(error)}`);
  });
  try {
    const stats = await handle.stat();
    const bytes = stats.size;
    if (stats.isDirectory()) throw new UsageError(`${name} is a folder: give the files in it`);
    if (bytes === 0) throw new UsageError(`${name} is empty`);
    const head = await bytesAt(0, Math.min(bytes, MEGABYTE));
    const tail = await bytesAt(Math.max(0, bytes - MEGABYTE), Math.min(bytes, MEGABYTE));
    const identity = createHash("sha256").update(`${bytes}\0`).update(head).update(tail).digest("hex");
    const gzipped = head[0] === 0x1f && head[1] === 0x8b;
    const source = { name, path, gzipped, bytes, identity, format: format ?? formatOf(name) };
    checkContent(source, head);
    return source;
  } finally {
    await handle.close();
  }

  async function bytesAt(position: number, length: number): Promise<Buffer> {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, position);
    return buffer.subarray(0, bytesRead);
  }
}

/**
 * Standard input as a file, since a load that is continued has to read it again from the start.
 * @returns the file and what deletes it
 */
export async function spoolInput(input: Readable): Promise<{ path: string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "crowsnest-load-"));
  const path = join(folder, "input");
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    await pipeline(input, createWriteStream(path, { mode: 0o600 }));
    if ((await stat(path)).size === 0) throw new UsageError("standard input is empty");
  } catch (error) {
    await remove();
    throw error;
  }
  return { path, remove };
}

/** The bytes of a file, uncompressed, and how much of the file they were made of. */
export async function* bytesOf(file: SourceFile): AsyncGenerator<{ bytes: Buffer; fraction: number }> {
  const raw = createReadStream(file.path, { highWaterMark: MEGABYTE });
  const stream: Readable = file.gzipped ? raw.pipe(createGunzip({ chunkSize: MEGABYTE })) : raw;
  // A pipe does not hand on what goes wrong in front of it.
  if (stream !== raw) raw.once("error", (error) => stream.destroy(error));
  try {
    for await (const bytes of stream) yield { bytes: bytes as Buffer, fraction: raw.bytesRead / file.bytes };
  } finally {
    raw.destroy();
  }
}

function formatOf(name: string): Format {
  const extension = basename(name).toLowerCase().replace(/\.gz$/, "").split(".").at(-1) ?? "";
  const format = EXTENSIONS[extension];
  if (format) return format;
  throw new UsageError(`${name}: the name does not tell what it is. Say so: --format ${FORMATS.join("|")}`);
}

/** What can be told from the first bytes is told before anything is read. */
function checkContent({ name, format, gzipped }: Omit<SourceFile, "bytes">, head: Buffer): void {
  const isParquet = head.subarray(0, 4).toString("latin1") === "PAR1";
  if (format === "parquet" && !isParquet) {
    const hint = gzipped ? "it is compressed as a whole: gunzip it first" : "it does not begin with PAR1";
    throw new UsageError(`${name} is no Parquet file: ${hint}`);
  }
  if (format !== "parquet" && isParquet) throw new UsageError(`${name} is a Parquet file: --format parquet`);
  const isUtf16 = (head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff);
  if (isUtf16) throw new UsageError(`${name} is UTF-16: convert it first, for example with iconv -f UTF-16 -t UTF-8`);
}
