import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { messageOf, UsageError } from "./errors.js";

/** How far a load has come. Every row before `rows` has been acknowledged. */
export interface Progress {
  readonly rows: number;
  readonly accepted: number;
  readonly setAside: number;
  readonly isFinished: boolean;
}

/** What a state belongs to: another file, gateway or type of event is another load. */
export interface LoadKey {
  readonly file: string;
  readonly identity: string;
  readonly target: string;
  readonly type: string;
  /** How rows are read and mapped. Part of the state, not of its name: a change of it has to be told. */
  readonly options: string;
}

export const NOTHING_DONE: Progress = { rows: 0, accepted: 0, setAside: 0, isFinished: false };

/** The file of one load. Written anew beside itself and moved, so that it is whole at any moment. */
export class LoadState {
  #writing: Promise<void> | null = null;
  #next: Progress | null = null;

  constructor(
    readonly path: string,
    readonly key: LoadKey,
  ) {}

  static pathIn(dataDir: string, { identity, target, type }: LoadKey): string {
    const name = createHash("sha256").update([identity, target, type].join("\0")).digest("hex").slice(0, 32);
    return join(dataDir, "loads", `${name}.json`);
  }

  /**
   * What was done before. `isOther`: with other options, so that its rows count for nothing here.
   * @throws UsageError when the file belongs to another load, or is none of ours
   */
  async read(): Promise<{ progress: Progress; isOther: boolean }> {
    const state = await this.#stored();
    if (state === null) return { progress: NOTHING_DONE, isOther: false };
    const isSame = (["identity", "target", "type"] as const).every((part) => state.key[part] === this.key[part]);
    if (!isSame) {
      throw new UsageError(
        `${this.path} is the state of another load (${state.key.file}): name another file, or --restart`,
      );
    }
    if (state.key.options === this.key.options) return { progress: state.progress, isOther: false };
    return { progress: NOTHING_DONE, isOther: state.progress.rows > 0 };
  }

  /** Begins anew, whatever load the file belonged to. @throws UsageError when it is none of ours */
  async reset(): Promise<Progress> {
    await this.#stored();
    await this.write(NOTHING_DONE);
    return NOTHING_DONE;
  }

  /** Resolves once this or something newer is written. */
  async write(progress: Progress): Promise<void> {
    this.#next = progress;
    while (this.#next !== null || this.#writing !== null) {
      this.#writing ??= this.#writeNext();
      await this.#writing;
    }
  }

  async #stored(): Promise<{ key: LoadKey; progress: Progress } | null> {
    let text: string;
    try {
      text = await readFile(this.path, "utf8");
    } catch {
      return null;
    }
    const state = parse(text);
    if (state === null) throw new UsageError(`${this.path} is no state of a load: name another file`);
    return state;
  }

  async #writeNext(): Promise<void> {
    const progress = this.#next;
    this.#next = null;
    try {
      await mkdir(dirname(this.path), { recursive: true });
      const beside = `${this.path}.${process.pid}.new`;
      await writeFile(beside, `${JSON.stringify({ key: this.key, progress }, null, 2)}\n`, { mode: 0o600 });
      await rename(beside, this.path);
    } catch (error) {
      throw new UsageError(`cannot keep how far the load has come: ${messageOf(error)}. Name a file: --state FILE`);
    } finally {
      this.#writing = null;
    }
  }
}

function parse(text: string): { key: LoadKey; progress: Progress } | null {
  try {
    const { key, progress } = JSON.parse(text) as { key?: LoadKey; progress?: Progress };
    return key && progress && Number.isInteger(progress.rows) ? { key, progress } : null;
  } catch {
    return null;
  }
}
