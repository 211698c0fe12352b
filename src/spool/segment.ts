import type { FileHandle } from "node:fs/promises";
import { readFile, truncate } from "node:fs/promises";
import { crc32 } from "node:zlib";

/**
 * A segment is a file of NDJSON lines. After the lines of each batch stands one more line with their checksum, and
 * whatever the batch wants remembered: `{"crc":"89abcdef","bytes":20000,"marks":["audit"]}`. A batch without its
 * checksum line was never acknowledged, and counts for nothing.
 */
export interface Note {
  /** What kind of lines the batch holds that need more than storing. */
  readonly marks?: readonly string[];
  readonly [name: string]: unknown;
}

/** A closed segment: nothing more is written to it. */
export interface Segment {
  readonly path: string;
  readonly bytes: number;
  readonly marks: ReadonlySet<string>;
  readonly notes: readonly Note[];
}

const TRAILER = Buffer.from('{"crc":"');
const NEWLINE = 10;

/** A batch as it is written: its lines, each ended by a line break, and its checksum line. */
export function encodeBatch(lines: string | Buffer, note: Note | null): Buffer[] {
  const body = typeof lines === "string" ? Buffer.from(lines, "utf8") : lines;
  const crc = crc32(body).toString(16).padStart(8, "0");
  const more = note === null ? "" : `,${JSON.stringify(note).slice(1, -1)}`;
  return [body, Buffer.from(`{"crc":"${crc}","bytes":${body.length}${more}}\n`)];
}

export interface Verified {
  /** Up to here the file is batch after batch, each with its right checksum. */
  readonly goodBytes: number;
  readonly notes: readonly Note[];
}

/** Checks batch after batch from the start; stops at the first that is torn or altered. */
export function verify(bytes: Buffer): Verified {
  const notes: Note[] = [];
  let start = 0;
  let from = 0;
  for (;;) {
    const at = bytes.indexOf(TRAILER, from);
    if (at < 0) break;
    from = at + TRAILER.length;
    // The same text may stand inside a line: only at the beginning of one is it a checksum.
    if (at > start && bytes[at - 1] !== NEWLINE) continue;
    const end = bytes.indexOf(NEWLINE, at);
    if (end < 0) break;
    const trailer = parseTrailer(bytes.toString("utf8", at, end));
    if (!trailer || trailer.bytes !== at - start || trailer.crc !== checksum(bytes.subarray(start, at))) break;
    notes.push(trailer.note);
    start = end + 1;
    from = start;
  }
  return { goodBytes: start, notes };
}

function checksum(bytes: Buffer): string {
  return crc32(bytes).toString(16).padStart(8, "0");
}

function parseTrailer(line: string): { crc: string; bytes: number; note: Note } | null {
  try {
    const { crc, bytes, ...note } = JSON.parse(line) as { crc: string; bytes: number } & Note;
    return { crc, bytes, note };
  } catch {
    return null;
  }
}

/** Reads a segment that a process before this one has left, and cuts off what was not written to the end. */
export async function recover(path: string): Promise<Segment & { readonly cut: number }> {
  const bytes = await readFile(path);
  const { goodBytes, notes } = verify(bytes);
  if (goodBytes < bytes.length) await truncate(path, goodBytes);
  return { path, bytes: goodBytes, notes, marks: marksOf(notes), cut: bytes.length - goodBytes };
}

export function marksOf(notes: readonly Note[]): ReadonlySet<string> {
  return new Set(notes.flatMap((note) => note.marks ?? []));
}

/** The lines of a segment without the checksum lines. */
export async function readLines(path: string): Promise<string[]> {
  const text = (await readFile(path)).toString();
  return text.split("\n").filter((line) => line !== "" && !line.startsWith('{"crc":"'));
}

/** The segment that is being written. */
export class OpenSegment {
  /** What is safely on disk. */
  bytes = 0;
  readonly notes: Note[] = [];

  constructor(
    readonly path: string,
    readonly handle: FileHandle,
  ) {}

  /** Appends and waits for the disk: all of it is there afterwards, or none. @throws what the file system says */
  async write(buffers: readonly Buffer[], notes: readonly Note[]): Promise<void> {
    const size = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
    await writeAll(this.handle, buffers, this.bytes, size);
    await this.handle.datasync();
    this.bytes += size;
    this.notes.push(...notes);
  }

  /** Forgets what came after the last good write, as far as the disk lets it. */
  async cutBack(): Promise<void> {
    await this.handle.truncate(this.bytes).catch(() => undefined);
  }

  async close(): Promise<Segment> {
    await this.handle.close();
    return { path: this.path, bytes: this.bytes, notes: this.notes, marks: marksOf(this.notes) };
  }
}

/** `writev` may write less than asked for, for one when the disk fills up; the rest then fails with the reason. */
async function writeAll(handle: FileHandle, buffers: readonly Buffer[], at: number, size: number): Promise<void> {
  const { bytesWritten } = await handle.writev(buffers, at);
  if (bytesWritten === size) return;
  const rest = Buffer.concat(buffers).subarray(bytesWritten);
  for (let written = 0; written < rest.length; ) {
    const { bytesWritten: more } = await handle.write(
      rest,
      written,
      rest.length - written,
      at + bytesWritten + written,
    );
    if (more === 0) throw Object.assign(new Error("the disk takes no more"), { code: "ENOSPC" });
    written += more;
  }
}
