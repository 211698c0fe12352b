import { Flights } from "./flights.js";
import type { Mapper } from "./mapping.js";
import type { ProgressBar } from "./progress.js";
import type { RowSource } from "./rows.js";
import type { Sender } from "./sender.js";
import type { LoadState, Progress } from "./state.js";

export interface Load {
  readonly rows: RowSource;
  readonly map: Mapper;
  readonly sender: Sender;
  readonly state: LoadState;
  /** Where an earlier run of the load has come to. */
  readonly from: Progress;
  readonly limit: number | null;
  /** Once aborted, no batch is begun; those under way are waited for. */
  readonly stop: AbortSignal;
  readonly bar: ProgressBar;
}

const MOST_ROWS = 1000;
/** With three bytes for a character still less than the gateway's 10 MB. */
const MOST_CHARACTERS = 3_000_000;
/** What is wrong with rows is told for the first of them; all are among the dead letters. */
const FAULTS_TOLD = 3;

/**
 * Sends the rows that an earlier run has not, keeping the state as they are acknowledged.
 * @throws LoadFailed, UsageError; what was acknowledged before is in the state
 */
export async function loadRows(load: Load): Promise<Progress> {
  const { state, bar, from } = load;
  const flights = new Flights(
    load.sender,
    async (progress, fraction) => {
      bar.show({ rows: progress.rows, setAside: progress.setAside, fraction });
      await state.write(progress);
    },
    from,
  );
  let isComplete = false;
  try {
    isComplete = await launchAll(load, flights);
  } finally {
    // A failure of one batch, or of the file, leaves the others under way: their acknowledgement counts.
    await flights.landed();
  }
  const reached: Progress = { ...flights.reached, isFinished: isComplete };
  if (reached.isFinished) await state.write(reached);
  return reached;
}

/** @returns whether the file was read to its end */
async function launchAll({ rows, map, from, limit, stop, bar }: Load, flights: Flights): Promise<boolean> {
  let batch: string[] = [];
  let characters = 0;
  let row = from.rows;
  let faults = 0;
  let before = 0;
  bar.show({ rows: row, setAside: from.setAside, fraction: 0 });
  try {
    for await (const block of rows.read(row)) {
      for (const [index, item] of block.rows.entries()) {
        if (stop.aborted) return false;
        if (limit !== null && row >= limit) {
          await launch(before);
          return false;
        }
        const { line, fault } = map(item, row + 1);
        if (batch.length >= MOST_ROWS || characters + line.length > MOST_CHARACTERS) {
          await launch(before + (block.fraction - before) * (index / block.rows.length));
        }
        row += 1;
        batch.push(line);
        characters += line.length + 1;
        if (fault !== null && faults++ < FAULTS_TOLD) bar.note(`row ${row}: ${fault}`);
      }
      before = block.fraction;
    }
  } catch (error) {
    // What could be read of a damaged file is sent.
    await launch(before);
    throw error;
  }
  if (stop.aborted) return false;
  await launch(1);
  return true;

  async function launch(fraction: number): Promise<void> {
    if (batch.length === 0) return;
    const events = `${batch.join("\n")}\n`;
    batch = [];
    characters = 0;
    await flights.launch(events, row, fraction);
  }
}
