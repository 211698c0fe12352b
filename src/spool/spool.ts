import { copyFile, link, mkdir, open, readdir, rm, stat, truncate } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Logger } from "../ops/logs.js";
import { encodeBatch, type Note, OpenSegment, recover, type Segment } from "./segment.js";

export interface SpoolOptions {
  /** Its own folder; made when it is not there. */
  readonly folder: string;
  /** Most bytes that may wait on disk; more is refused until some have been drained. */
  readonly maxBytes: number;
  readonly log: Logger;
}

/** Nothing of the batch was taken in. `full`: the disk is; `behind`: whoever drains cannot keep up; `fault`: the disk fails. */
export class SpoolRefused extends Error {
  override name = "SpoolRefused";
  constructor(
    readonly reason: "full" | "behind" | "fault" | "closed",
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

interface Waiting {
  readonly buffers: readonly Buffer[];
  readonly bytes: number;
  readonly note: Note | null;
  readonly resolve: () => void;
  readonly reject: (error: SpoolRefused) => void;
}

/** A segment is closed when it is this large, also when nobody drains. */
const SEGMENT_BYTES = 32 * 1024 * 1024;
/** Batches that wait in memory for the disk; beyond this the disk is too slow for what comes in. */
const MOST_WAITING_BYTES = 128 * 1024 * 1024;
/** Most bytes written at once: what is written together is acknowledged together. */
const GROUP_BYTES = 8 * 1024 * 1024;
const SEGMENT_NAME = /^\d{12}\.ndjson$/;

/**
 * A durable queue on disk. `append` resolves when the batch is safely there; batches that arrive while the disk is busy
 * share the next write and sync. Whoever drains takes closed segments, oldest first, and gives them back when their
 * content is safe elsewhere.
 */
export class Spool {
  readonly #closed: Segment[] = [];
  readonly #taken = new Set<string>();
  #active: OpenSegment | null = null;
  #queue: Waiting[] = [];
  #queuedBytes = 0;
  #bytes = 0;
  #released = 0;
  #next: number;
  #working: Promise<void> | null = null;
  #rotations: (() => void)[] = [];
  #stopped = false;
  #wakers: (() => void)[] = [];

  private constructor(
    readonly options: SpoolOptions,
    recovered: readonly Segment[],
    next: number,
  ) {
    this.#closed.push(...recovered);
    this.#bytes = recovered.reduce((sum, segment) => sum + segment.bytes, 0);
    this.#next = next;
  }

  /** Opens the folder, cutting off what a killed process had not finished writing. */
  static async open(options: SpoolOptions): Promise<Spool> {
    await mkdir(options.folder, { recursive: true, mode: 0o700 });
    const names = (await readdir(options.folder)).filter((name) => SEGMENT_NAME.test(name)).sort();
    const segments: Segment[] = [];
    for (const name of names) {
      const { cut, ...segment } = await recover(join(options.folder, name));
      if (cut > 0) options.log.warn({ segment: name, bytes: cut }, "cut off a batch that was not written to its end");
      if (segment.bytes > 0) segments.push(segment);
      else await rm(segment.path, { force: true });
    }
    const last = names.at(-1);
    return new Spool(options, segments, last ? Number.parseInt(last, 10) + 1 : 1);
  }

  /** Bytes on disk that have not been drained. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes drained since the start. */
  get released(): number {
    return this.#released;
  }

  /** Notes of the batches that wait: what was promised for them before a restart still holds. */
  get notes(): Note[] {
    return [...this.#closed.flatMap((segment) => segment.notes), ...(this.#active?.notes ?? [])];
  }

  /**
   * Appends one batch: all of its lines or none.
   * @param lines NDJSON, each line ended by a line break; bytes are not copied and must stay as they are
   * @throws SpoolRefused when nothing was taken in
   */
  append(lines: string | Buffer, note: Note | null = null): Promise<void> {
    const refused = this.#refusal();
    if (refused) return Promise.reject(refused);
    const buffers = encodeBatch(lines, note);
    const bytes = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
    this.#queuedBytes += bytes;
    return new Promise((resolve, reject) => {
      this.#queue.push({ buffers, bytes, note, resolve, reject });
      this.#work();
    });
  }

  /**
   * Takes over a closed segment of another spool: the file gets a second name, and stays when the other spool deletes its.
   * @throws SpoolRefused when it was not taken over
   */
  async adopt(segment: Segment): Promise<void> {
    const refused = this.#refusal();
    if (refused) throw refused;
    const path = this.#nextPath();
    try {
      // Not every file system knows second names.
      await link(segment.path, path).catch(() => copySynced(segment.path, path));
      await syncFolder(this.options.folder);
    } catch (error) {
      await rm(path, { force: true }).catch(() => undefined);
      throw refusal(error);
    }
    this.#closed.push({ ...segment, path });
    this.#bytes += segment.bytes;
    this.#wake();
  }

  /** Resolves once something waits to be drained. */
  async whenFilled(): Promise<void> {
    if (this.#bytes > 0 || this.#stopped) return;
    await new Promise<void>((resolve) => this.#wakers.push(resolve));
  }

  /**
   * The oldest closed segments, up to about `maxBytes`; the one being written is closed for it when there is no other.
   * They stay on disk until they are released.
   */
  async take(maxBytes: number): Promise<Segment[]> {
    if (this.#closed.length === 0 && this.#active) {
      await new Promise<void>((resolve) => {
        this.#rotations.push(resolve);
        this.#work();
      });
    }
    const taken: Segment[] = [];
    let bytes = 0;
    for (const segment of this.#closed) {
      if (this.#taken.has(segment.path)) continue;
      if (taken.length > 0 && bytes + segment.bytes > maxBytes) break;
      await trim(segment);
      taken.push(segment);
      this.#taken.add(segment.path);
      bytes += segment.bytes;
    }
    return taken;
  }

  /** Gives segments back: deletes what is safe elsewhere, keeps the others first in line. */
  async release(segments: readonly Segment[], isDone: boolean): Promise<void> {
    for (const segment of segments) {
      this.#taken.delete(segment.path);
      if (!isDone) continue;
      await rm(segment.path, { force: true });
      this.#closed.splice(this.#closed.indexOf(segment), 1);
      this.#bytes -= segment.bytes;
      this.#released += segment.bytes;
    }
  }

  /** Writes what waits, then takes nothing more. What is on disk stays there. */
  async close(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    while (this.#working) await this.#working;
    await this.#rotate();
    this.#wake();
  }

  #refusal(): SpoolRefused | null {
    if (this.#stopped) return new SpoolRefused("closed", "stopping: nothing is taken in any more");
    const isBehind = this.#bytes + this.#queuedBytes > this.options.maxBytes || this.#queuedBytes > MOST_WAITING_BYTES;
    return isBehind ? new SpoolRefused("behind", "too much waits to be stored; try again later") : null;
  }

  #nextPath(): string {
    const number = this.#next++;
    return join(this.options.folder, `${String(number).padStart(12, "0")}.ndjson`);
  }

  #wake(): void {
    const wakers = this.#wakers;
    this.#wakers = [];
    for (const wake of wakers) wake();
  }

  #work(): void {
    this.#working ??= this.#workOff();
  }

  /** The only place that touches the segment being written: segments change between two writes, so no batch is split. */
  async #workOff(): Promise<void> {
    // A turn of the event loop later, so that requests read in the same turn share the write.
    await new Promise(setImmediate);
    while (this.#queue.length > 0 || this.#rotations.length > 0) {
      if (this.#rotations.length > 0) {
        const rotations = this.#rotations;
        this.#rotations = [];
        await this.#rotate();
        for (const resolve of rotations) resolve();
      }
      if (this.#queue.length > 0) await this.#writeNext();
    }
    // In the same turn as the last look at the queue: whoever appends from now on starts the work anew.
    this.#working = null;
  }

  async #writeNext(): Promise<void> {
    const group = this.#nextGroup();
    try {
      await this.#writeGroup(group);
      for (const waiting of group) waiting.resolve();
      this.#wake();
    } catch (error) {
      const refused = refusal(error);
      this.options.log.error({ error: String(error), batches: group.length }, "cannot write to the spool");
      for (const waiting of group) waiting.reject(refused);
    }
  }

  #nextGroup(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const waiting of this.#queue) {
      if (count > 0 && bytes + waiting.bytes > GROUP_BYTES) break;
      bytes += waiting.bytes;
      count += 1;
    }
    this.#queuedBytes -= bytes;
    return this.#queue.splice(0, count);
  }

  async #writeGroup(group: readonly Waiting[]): Promise<void> {
    if (this.#active && this.#active.bytes >= SEGMENT_BYTES) await this.#rotate();
    this.#active ??= await this.#openSegment();
    const segment = this.#active;
    const before = segment.bytes;
    try {
      await segment.write(
        group.flatMap((waiting) => waiting.buffers),
        group.flatMap((waiting) => (waiting.note ? [waiting.note] : [])),
      );
    } catch (error) {
      // After a failed sync the system may have dropped what it could not write: nothing more goes to this file.
      await segment.cutBack();
      await this.#rotate();
      throw error;
    }
    this.#bytes += segment.bytes - before;
  }

  async #openSegment(): Promise<OpenSegment> {
    const path = this.#nextPath();
    const handle = await open(path, "wx", 0o600);
    try {
      await syncFolder(this.options.folder);
    } catch (error) {
      await handle.close();
      throw error;
    }
    return new OpenSegment(path, handle);
  }

  async #rotate(): Promise<void> {
    const active = this.#active;
    if (!active) return;
    this.#active = null;
    const segment = await active.close();
    if (segment.bytes > 0) this.#closed.push(segment);
    else await rm(segment.path, { force: true });
  }
}

async function copySynced(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  const handle = await open(to);
  try {
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

/** A file's name must survive a crash as well as its content. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** What a failed write may have left behind the last good batch, where even cutting it off at once has failed. */
async function trim(segment: Segment): Promise<void> {
  const { size } = await stat(segment.path);
  if (size > segment.bytes) await truncate(segment.path, segment.bytes);
}

function refusal(error: unknown): SpoolRefused {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return code === "ENOSPC" || code === "EDQUOT"
    ? new SpoolRefused("full", "the disk is full; nothing was taken in", { cause: error })
    : new SpoolRefused("fault", "the disk cannot be written to; nothing was taken in", { cause: error });
}

/** For messages: a segment's name without its folder. */
export function segmentName(segment: Segment): string {
  return basename(segment.path);
}
