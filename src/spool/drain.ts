import { rm, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "../ops/logs.js";
import { readLines, type Segment } from "./segment.js";
import { type Spool, segmentName } from "./spool.js";

export interface DrainOptions {
  readonly spool: Spool;
  readonly log: Logger;
  /** Makes the content safe elsewhere; may be called again with the same segments, and must not double anything then. */
  readonly sink: (segments: readonly Segment[]) => Promise<void>;
  /** Whether a failure passes by itself: the same segments are tried again then, for ever. */
  readonly isTemporary: (error: unknown) => boolean;
  /** Takes a line that the sink can never take. */
  readonly onPoison: (line: string, error: unknown) => Promise<void>;
  readonly paceMs?: number;
}

/** Bytes handed over at once: large enough to be quick, small enough to be seen soon. */
const BATCH_BYTES = 24 * 1024 * 1024;
/** Time from one hand-over to the next, unless much waits: what comes meanwhile is moved with one commit, not many. */
const PACE_MS = 250;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 10_000;

/** Moves what a spool holds to where it belongs, in order, for as long as the process runs. */
export class Drain {
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #idle: (() => void)[] = [];
  #failing = false;

  constructor(readonly options: DrainOptions) {
    this.#running = this.#run();
  }

  /** False while what waits cannot be handed over. */
  get isHealthy(): boolean {
    return !this.#failing;
  }

  /** Resolves once everything appended before this call has been handed over. */
  async drained(): Promise<void> {
    const { spool } = this.options;
    const end = spool.released + spool.bytes;
    while (spool.released < end && !this.#stop.signal.aborted) {
      await new Promise<void>((resolve) => this.#idle.push(resolve));
    }
  }

  /** Finishes the hand-over under way. What still waits stays in the spool. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.#tell();
  }

  async #run(): Promise<void> {
    const { spool, paceMs = PACE_MS } = this.options;
    const { signal } = this.#stop;
    const stopped = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    let retryMs = FIRST_RETRY_MS;
    while (!signal.aborted) {
      await Promise.race([spool.whenFilled(), stopped]);
      if (signal.aborted) break;
      const startedAt = performance.now();
      const segments = await spool.take(BATCH_BYTES);
      if (segments.length === 0) continue;
      const done = await this.#handOver(segments);
      await spool.release(segments, done);
      this.#failing = !done;
      this.#tell();
      const pause = done ? (spool.bytes < BATCH_BYTES ? paceMs - (performance.now() - startedAt) : 0) : retryMs;
      retryMs = done ? FIRST_RETRY_MS : Math.min(LAST_RETRY_MS, retryMs * 2);
      if (pause > 0) await sleep(pause, undefined, { signal }).catch(() => undefined);
    }
  }

  #tell(): void {
    const waiting = this.#idle;
    this.#idle = [];
    for (const resolve of waiting) resolve();
  }

  async #handOver(segments: readonly Segment[]): Promise<boolean> {
    const { log, sink, isTemporary } = this.options;
    const names = segments.map(segmentName);
    try {
      await sink(segments);
      return true;
    } catch (error) {
      if (isTemporary(error)) {
        log.warn({ error: String(error), segments: names }, "cannot be stored yet; it waits in the spool");
        return false;
      }
      log.error({ error: String(error), segments: names }, "refused by the store; looking for the lines at fault");
      return this.#sift(segments);
    }
  }

  /** Hands over what can be, line by line where need be: one bad line must not hold up all that follow. */
  async #sift(segments: readonly Segment[]): Promise<boolean> {
    try {
      for (const segment of segments) await this.#siftLines(segment, await readLines(segment.path));
      return true;
    } catch (error) {
      this.options.log.warn({ error: String(error) }, "cannot be sifted yet; it waits in the spool");
      return false;
    }
  }

  async #siftLines(segment: Segment, lines: readonly string[]): Promise<void> {
    const path = `${segment.path}.part`;
    await writeFile(path, lines.map((line) => `${line}\n`).join(""));
    try {
      await this.options.sink([{ ...segment, path }]);
      return;
    } catch (error) {
      if (this.options.isTemporary(error)) throw error;
      const [line] = lines;
      if (lines.length === 1 && line !== undefined) return await this.options.onPoison(line, error);
    } finally {
      await rm(path, { force: true });
    }
    const half = Math.ceil(lines.length / 2);
    await this.#siftLines(segment, lines.slice(0, half));
    await this.#siftLines(segment, lines.slice(half));
  }
}
