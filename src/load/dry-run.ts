import type { Writable } from "node:stream";
import type { Mapper } from "./mapping.js";
import { formatCount, type ProgressBar } from "./progress.js";
import type { RowSource } from "./rows.js";

export interface DryRun {
  readonly rows: RowSource;
  readonly map: Mapper;
  readonly limit: number | null;
  readonly stop: AbortSignal;
  readonly bar: ProgressBar;
  readonly out: Writable;
}

const EVENTS_SHOWN = 3;
const FAULTS_SHOWN = 10;

/** Shows what a load would send, and which rows it knows to be faulty. What a type's schema says is not asked. */
export async function dryRun({ rows, map, limit, stop, bar, out }: DryRun): Promise<void> {
  let row = 0;
  let faulty = 0;
  let shown = 0;
  reading: for await (const block of rows.read(0)) {
    for (const item of block.rows) {
      if (stop.aborted || (limit !== null && row >= limit)) break reading;
      row += 1;
      const { line, fault } = map(item, row);
      if (fault !== null && faulty++ < FAULTS_SHOWN) out.write(`row ${row}: ${fault}\n`);
      if (fault === null && shown++ < EVENTS_SHOWN) out.write(`${JSON.stringify(JSON.parse(line), null, 2)}\n`);
    }
    bar.show({ rows: row, setAside: 0, fraction: block.fraction });
  }
  bar.clear();
  if (faulty > FAULTS_SHOWN) out.write(`… and ${formatCount(faulty - FAULTS_SHOWN)} faulty rows more\n`);
  out.write(`${formatCount(row)} rows read, ${formatCount(faulty)} of them faulty; nothing was sent\n`);
}
