import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { type LoadIo, runLoad, type Sender, type Sent } from "../../src/load/index.js";

/** An event as the loader sends it. */
export interface SentEvent {
  readonly type: string;
  readonly id: string;
  readonly time?: string;
  readonly user?: string;
  readonly session?: string;
  readonly subject?: string;
  readonly place?: Readonly<Record<string, unknown>>;
  readonly amount?: { readonly value: string; readonly currency?: string };
  readonly properties: Readonly<Record<string, unknown>>;
}

/** Takes in whatever has a type, as a gateway with no schemas would, and keeps it. */
export class Collector implements Sender {
  /** In the order of rows: a batch is taken in at once. */
  readonly events: SentEvent[] = [];
  readonly setAside: string[] = [];
  batches = 0;
  isClosed = false;

  async send(lines: string): Promise<Sent> {
    this.batches += 1;
    const [accepted, setAside] = [this.events.length, this.setAside.length];
    for (const line of lines.trimEnd().split("\n")) this.#take(line);
    return { accepted: this.events.length - accepted, setAside: this.setAside.length - setAside };
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }

  #take(line: string): void {
    try {
      const event = JSON.parse(line) as SentEvent | null;
      if (typeof event?.type === "string" && !Number.isNaN(Date.parse(event.time ?? "2020-01-01"))) {
        this.events.push(event);
        return;
      }
    } catch {
      // Set aside below.
    }
    this.setAside.push(line);
  }
}

export interface Loaded {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A folder for files and state, of one test. */
export function newFolder(): string {
  return mkdtempSync(join(tmpdir(), "crowsnest-load-test-"));
}

/** Runs `crowsnest load` in this process. */
export async function load(args: readonly string[], sender: Sender, io: Partial<LoadIo> = {}): Promise<Loaded> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const [out, err] = [text(stdout), text(stderr)];
  const code = await runLoad(args, {
    stdin: Readable.from([]),
    stdout,
    stderr,
    environment: {},
    dataDir: io.dataDir ?? newFolder(),
    openLocal: async () => sender,
    stop: new AbortController().signal,
    ...io,
  });
  stdout.end();
  stderr.end();
  return { code, out: await out, err: await err };
}
