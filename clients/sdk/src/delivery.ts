import { type Answer, askedPause, judge, pause, type Verdict } from "./answers.js";
import type { Entry, Outbox } from "./outbox.js";
import type { Transport } from "./transport.js";
import type { AnalyticsErrorKind, AnalyticsFault } from "./types.js";

const MAX_BATCH = 500;
const MAX_BATCH_BYTES = 256 * 1024;
/** Browsers allow 64 KiB for all requests that outlive their page together; some of it may be taken already. */
const PAGE_END_BYTES = 60_000;

export interface DeliveryOptions {
  readonly outbox: Outbox;
  readonly transport: Transport;
  readonly flushAt: number;
  readonly flushIntervalMs: number;
  readonly now: () => number;
  readonly random: () => number;
  /** Asked before anything is sent. */
  readonly isOptedOut: () => boolean;
  readonly report: (
    kind: AnalyticsErrorKind,
    message: string,
    entries: readonly Entry[],
    status: number,
    faults: readonly AnalyticsFault[],
  ) => void;
}

/** Empties the outbox from its front, one request at a time, and waits where the gateway cannot take it. */
export class Delivery {
  readonly #options: DeliveryOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running: Promise<void> | null = null;
  /** The run goes on until this one has left the outbox. */
  #last: Entry | undefined;
  #failures = 0;
  /** The status last reported, so that one fault is told once. */
  #reported = 0;
  /** Who asked for the pause that is on: only our own may be cut short. */
  #pausedBy: "us" | "gateway" | null = null;
  #limit = MAX_BATCH;
  #handedOver = new WeakSet<Entry>();
  #isClosed = false;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /** Something may be waiting: send it now if enough is, else in a while. */
  nudge(): void {
    const { outbox, flushAt, flushIntervalMs } = this.#options;
    if (this.#running || this.#pausedBy || this.#isClosed || outbox.entries.length === 0) return;
    if (outbox.entries.length >= flushAt) void this.flush();
    else this.#timer ??= this.#flushIn(flushIntervalMs);
  }

  /** Sends all that waits at this moment, or until an attempt fails. */
  flush(): Promise<void> {
    const { outbox, isOptedOut } = this.#options;
    if (isOptedOut()) outbox.clear();
    const { entries } = outbox;
    if (this.#isClosed || this.#pausedBy === "gateway" || entries.length === 0)
      return this.#running ?? Promise.resolve();
    this.#last = entries.at(-1);
    this.#running ??= this.#run();
    return this.#running;
  }

  /** The page may end at any moment: hands over what a page that ends may send. What is not confirmed stays. */
  handOver(): void {
    const { outbox, transport, isOptedOut } = this.#options;
    if (isOptedOut()) return;
    const waiting = outbox.entries.filter(
      (entry) => !this.#handedOver.has(entry) && (entry.key === null || this.#pausedBy !== "gateway"),
    );
    const entries = pageEndBatch(waiting);
    if (entries.length === 0) return;
    for (const entry of entries) this.#handedOver.add(entry);
    const body = bodyOf(entries);
    if (!("keepalive" in Request.prototype)) transport.beacon(body);
    else
      void transport.send(body, true).then(({ status }) => {
        if (status >= 200 && status < 300) outbox.remove(entries);
      });
  }

  /** The page lives on, or the network is back. */
  revive(): void {
    this.#handedOver = new WeakSet();
    if (this.#pausedBy === "us") void this.flush();
    this.nudge();
  }

  async close(): Promise<void> {
    await this.flush();
    this.#isClosed = true;
    this.#stopTimer();
  }

  async #run(): Promise<void> {
    this.#stopTimer();
    const { outbox, transport, isOptedOut } = this.#options;
    let isGoing = true;
    do {
      const batch = nextBatch(outbox.entries, this.#limit);
      const answer = await transport.send(bodyOf(batch));
      if (isOptedOut()) outbox.clear();
      isGoing = this.#settle(batch, answer) && this.#last !== undefined && outbox.entries.includes(this.#last);
    } while (isGoing);
    this.#running = null;
    this.nudge();
  }

  /** Acts on an answer. False: no use going on now. */
  #settle(batch: readonly Entry[], answer: Answer): boolean {
    const verdict = judge(answer, batch.length);
    if (verdict.next === "wait") {
      this.#wait(answer, verdict);
      return false;
    }
    this.#failures = 0;
    this.#reported = 0;
    const { outbox, report } = this.#options;
    if (verdict.next === "done") {
      outbox.remove(batch);
      this.#limit = Math.min(MAX_BATCH, this.#limit * 2);
    } else if (verdict.next === "split" && batch.length > 1) {
      this.#limit = Math.ceil(batch.length / 2);
    } else {
      const { indexes, faults } = verdict.next === "drop" ? verdict : { indexes: [0], faults: [] };
      const refused = indexes.flatMap((index) => batch[index] ?? []);
      outbox.remove(refused);
      const kind = answer.status === 413 ? "too-large" : "refused";
      report(kind, `The gateway refused ${refused.length} event(s)`, refused, answer.status, faults);
    }
    return true;
  }

  #wait({ status, retryAfter }: Answer, { isOurFault }: Extract<Verdict, { next: "wait" }>): void {
    const { now, random, report } = this.#options;
    if (isOurFault && this.#reported !== status) {
      this.#reported = status;
      report("access", `The gateway answered ${status}: check url, writeKey or token. Events wait`, [], status, []);
    }
    const asked = askedPause(retryAfter, now());
    this.#pausedBy = asked === null ? "us" : "gateway";
    this.#timer = this.#flushIn(pause(++this.#failures, asked, isOurFault, random));
    // A Node process that has nothing else to do is not kept alive by a gateway that is away.
    (this.#timer as { unref?: () => void }).unref?.();
  }

  #flushIn(milliseconds: number): ReturnType<typeof setTimeout> {
    return setTimeout(() => {
      this.#stopTimer();
      void this.flush();
    }, milliseconds);
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#pausedBy = null;
  }
}

const bodyOf = (entries: readonly Entry[]): string => `[${entries.map(({ json }) => json).join()}]`;

const encoder = new TextEncoder();
const bytesOf = ({ json }: Entry): number => encoder.encode(json).length + 1;

/** The first ones, as many as one request takes; at least one, however large: the gateway is the judge of that. */
function nextBatch(entries: readonly Entry[], limit: number): Entry[] {
  let bytes = 0;
  const end = entries.findIndex((entry, index) => {
    bytes += bytesOf(entry);
    return index > 0 && (index >= limit || bytes > MAX_BATCH_BYTES);
  });
  return entries.slice(0, end < 0 ? entries.length : end);
}

/** What fits, oldest first; one that is too large does not keep the ones behind it from leaving. */
function pageEndBatch(entries: readonly Entry[]): Entry[] {
  let left = PAGE_END_BYTES;
  return entries.filter((entry) => {
    const bytes = bytesOf(entry);
    if (bytes > left) return false;
    left -= bytes;
    return true;
  });
}
