import { readFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import type { Readable, Writable } from "node:stream";
import { dryRun } from "./dry-run.js";
import { LoadFailed, messageOf, UsageError } from "./errors.js";
import { HttpSender } from "./http-sender.js";
import { loadRows } from "./load.js";
import { checkColumns, createMapper, type Mapper } from "./mapping.js";
import { LOAD_HELP, type LoadOptions, readOptions } from "./options.js";
import { PatientSender } from "./patient-sender.js";
import { formatCount, ProgressBar, type Screen } from "./progress.js";
import { openRows, type RowSource } from "./rows.js";
import type { Sender } from "./sender.js";
import { openSource, type SourceFile, spoolInput } from "./source.js";
import { type LoadKey, LoadState, type Progress } from "./state.js";

/** What a load needs of the process that it runs in. */
export interface LoadIo {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Screen;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where embedded data lies, and the state of loads. */
  readonly dataDir: string;
  /** Way into the gateway of `dataDir`, for loads without `--url`. */
  readonly openLocal: () => Promise<Sender>;
  /** Ends the load in good order: batches under way are waited for, and the next run goes on behind them. */
  readonly stop: AbortSignal;
}

const INTERRUPTED = 130;

/** The command `crowsnest load`. @returns its exit code */
export async function runLoad(args: readonly string[], io: LoadIo): Promise<number> {
  if (args.length === 0 || args.includes("--help") || args.includes("-h")) {
    io.stdout.write(`${LOAD_HELP}\n`);
    return 0;
  }
  try {
    const options = readOptions(args);
    return await loadFiles(options, io);
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof LoadFailed)) throw error;
    io.stderr.write(`${error.message}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

async function loadFiles(options: LoadOptions, io: LoadIo): Promise<number> {
  // Opened with the first file that has something to send: a wrong name must not start a gateway's parts.
  let sender: Sender | null = null;
  const openSender = async (): Promise<Sender> => {
    sender ??= await senderOf(options, io);
    return sender;
  };
  try {
    for (const file of options.files) {
      const input = file === "-" ? await spoolInput(io.stdin) : null;
      try {
        const source = await openSource(input?.path ?? file, options.format, input ? "standard input" : file);
        const code = await loadFile(source, options, io, openSender);
        if (code !== 0) return code;
      } finally {
        await input?.remove();
      }
    }
    return 0;
  } finally {
    await (sender as Sender | null)?.close();
  }
}

async function loadFile(
  source: SourceFile,
  options: LoadOptions,
  io: LoadIo,
  openSender: () => Promise<Sender>,
): Promise<number> {
  const rows = await openRows(source, options.reading);
  try {
    checkColumns(options.mapping, rows.columns, source.name);
    const map = createMapper(options.mapping, source.identity);
    const bar = new ProgressBar(basename(source.name), io.stderr, options.quiet);
    if (options.dryRun) {
      await dryRun({ rows, map, limit: options.limit, stop: io.stop, bar, out: io.stdout });
      return io.stop.aborted ? INTERRUPTED : 0;
    }
    return await loadOnce(source, rows, map, bar, options, io, openSender);
  } finally {
    rows.close();
  }
}

async function loadOnce(
  source: SourceFile,
  rows: RowSource,
  map: Mapper,
  bar: ProgressBar,
  options: LoadOptions,
  io: LoadIo,
  openSender: () => Promise<Sender>,
): Promise<number> {
  const state = stateOf(source, options, io);
  const from = options.restart ? await state.reset() : await startOf(state, source, options, bar);
  if (from.isFinished) return 0;
  try {
    const { stop } = io;
    const sender = new PatientSender(await openSender(), { stop, onWait: (message) => bar.note(message) });
    const reached = await loadRows({ rows, map, sender, state, from, limit: options.limit, stop, bar });
    bar.clear();
    if (stop.aborted && !reached.isFinished) return interrupted(reached, options, io);
    const name = options.files.length > 1 ? `${source.name}: ` : "";
    if (!options.quiet) io.stdout.write(`${name}${summary(reached)}\n`);
    return 0;
  } catch (error) {
    bar.clear();
    if (!(error instanceof LoadFailed)) throw error;
    const { progress } = await state.read();
    if (io.stop.aborted) return interrupted(progress, options, io);
    const hint = progress.rows > 0 ? `\n${formatCount(progress.rows)} rows are done: ${howToGoOn(options)}` : "";
    throw new LoadFailed(`${error.message}${hint}`, { cause: error });
  }
}

/** Where to begin, told where it is not at the beginning. */
async function startOf(
  state: LoadState,
  source: SourceFile,
  options: LoadOptions,
  bar: ProgressBar,
): Promise<Progress> {
  const { progress, isOther } = await state.read();
  if (isOther) {
    bar.note(
      `${source.name} was loaded with other options before. Events that have their ids already stay as they are; to store them once more: --id-prefix TEXT`,
    );
  }
  if (progress.isFinished) {
    bar.note(`${source.name} is loaded already (${summary(progress)}). To send it again: --restart`);
  } else if (progress.rows > 0) bar.note(`${source.name}: going on at row ${formatCount(progress.rows + 1)}`);
  if (!progress.isFinished && !options.mapping.mapping.has("time")) {
    bar.note(
      "no column tells the time: an event's type may know where to find it, else it is the time of loading (--map time=COLUMN)",
    );
  }
  return progress;
}

function interrupted({ rows }: Progress, options: LoadOptions, io: LoadIo): number {
  io.stderr.write(`interrupted after ${formatCount(rows)} rows: ${howToGoOn(options)}\n`);
  return INTERRUPTED;
}

function howToGoOn({ restart }: LoadOptions): string {
  return `the same command${restart ? " without --restart" : ""} goes on from there`;
}

function summary({ accepted, setAside }: Progress): string {
  const where = setAside > 0 ? " (see: crowsnest dead-letters list)" : "";
  return `${formatCount(accepted)} events taken in, ${formatCount(setAside)} set aside${where}`;
}

function stateOf(source: SourceFile, options: LoadOptions, io: LoadIo): LoadState {
  const { mapping, ...others } = options.mapping;
  const type = mapping.get("type");
  const key: LoadKey = {
    file: source.name,
    identity: source.identity,
    target: options.url ?? resolve(io.dataDir),
    type: type === undefined ? "" : JSON.stringify(type),
    options: JSON.stringify({ mapping: [...mapping].sort(), ...others, ...options.reading, format: source.format }),
  };
  return new LoadState(options.state ?? LoadState.pathIn(io.dataDir, key), key);
}

async function senderOf(options: LoadOptions, io: LoadIo): Promise<Sender> {
  if (options.url === null) return io.openLocal();
  return new HttpSender({ url: options.url, token: await tokenOf(options, io) });
}

async function tokenOf({ token, tokenFile }: LoadOptions, { environment }: LoadIo): Promise<string | null> {
  const path = tokenFile ?? (token === null ? environment.CROWSNEST_TOKEN_FILE : undefined);
  if (!path) return token || environment.CROWSNEST_TOKEN || null;
  try {
    return (await readFile(path, "utf8")).trim() || null;
  } catch (error) {
    throw new UsageError(`cannot read the token: ${messageOf(error)}`);
  }
}
