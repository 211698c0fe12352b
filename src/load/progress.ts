import type { Writable } from "node:stream";

/** How far a load is, for whoever watches it. */
export interface Reached {
  readonly rows: number;
  readonly setAside: number;
  /** Of the file, 0 to 1. */
  readonly fraction: number;
}

export type Screen = Writable & { readonly isTTY?: boolean; readonly columns?: number };

const REDRAW_MS = 200;
const LINE_MS = 5000;
const BAR_WIDTH = 20;

/** A bar that is drawn over itself on a terminal; elsewhere a line every few seconds. */
export class ProgressBar {
  readonly #started: number;
  #lastShown: number;
  /** Rows and fraction at the start: what an earlier run did says nothing about this one's speed. */
  #from: Reached | null = null;
  #drawn = false;

  constructor(
    readonly name: string,
    readonly screen: Screen,
    readonly isQuiet: boolean,
    readonly now: () => number = () => performance.now(),
  ) {
    this.#started = now();
    this.#lastShown = this.#started;
  }

  show(reached: Reached): void {
    this.#from ??= reached;
    const now = this.now();
    if (this.isQuiet || now - this.#lastShown < (this.screen.isTTY ? REDRAW_MS : LINE_MS)) return;
    this.#lastShown = now;
    const text = progressText(this.name, reached, this.#from, now - this.#started);
    if (!this.screen.isTTY) {
      this.screen.write(`${text}\n`);
      return;
    }
    this.screen.write(`\r${`${bar(reached.fraction)} ${text}`.slice(0, (this.screen.columns ?? 80) - 1)}\x1b[K`);
    this.#drawn = true;
  }

  /** A line of its own, above the bar. */
  note(text: string): void {
    if (this.isQuiet) return;
    this.clear();
    this.screen.write(`${text}\n`);
  }

  clear(): void {
    if (this.#drawn) this.screen.write("\r\x1b[K");
    this.#drawn = false;
  }
}

/** `edits.json: 12,000 rows, 31 %, 24,000 rows/s, 0:07 to go` */
export function progressText(name: string, reached: Reached, from: Reached, milliseconds: number): string {
  const perMs = (to: number, start: number): number => (milliseconds > 0 ? (to - start) / milliseconds : 0);
  const rate = Math.round(perMs(reached.rows, from.rows) * 1000);
  const speed = perMs(reached.fraction, from.fraction);
  const percent = Math.min(100, Math.floor(reached.fraction * 100));
  const parts = [`${formatCount(reached.rows)} rows`, `${percent} %`, `${formatCount(rate)} rows/s`];
  if (speed > 0) parts.push(`${formatDuration((1 - Math.min(1, reached.fraction)) / speed)} to go`);
  if (reached.setAside > 0) parts.push(`${formatCount(reached.setAside)} set aside`);
  return `${name}: ${parts.join(", ")}`;
}

export function formatCount(count: number): string {
  return count.toLocaleString("en-US");
}

function formatDuration(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000);
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (value: number): string => String(value).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

function bar(fraction: number): string {
  const filled = Math.min(BAR_WIDTH, Math.floor(fraction * BAR_WIDTH));
  return `[${"#".repeat(filled)}${"-".repeat(BAR_WIDTH - filled)}]`;
}
