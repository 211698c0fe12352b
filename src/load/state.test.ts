import { readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { newFolder } from "../../tests/support/loading.js";
import { UsageError } from "./errors.js";
import { type LoadKey, LoadState, NOTHING_DONE, type Progress } from "./state.js";

const KEY: LoadKey = { file: "f.csv", identity: "1", target: "http://a", type: "t", options: "{}" };
const progress = (rows: number): Progress => ({ rows, accepted: rows, setAside: 0, isFinished: false });

function stateOf(folder: string, key: Partial<LoadKey> = {}): LoadState {
  const whole = { ...KEY, ...key };
  return new LoadState(LoadState.pathIn(folder, whole), whole);
}

describe("the state of a load", () => {
  it("is read back by the same load, and by no other", async () => {
    const folder = newFolder();
    await stateOf(folder).write(progress(7));
    expect(await stateOf(folder).read()).toEqual({ progress: progress(7), isOther: false });
    for (const other of [{ identity: "2" }, { target: "http://b" }, { type: "u" }]) {
      expect(await stateOf(folder, other).read()).toEqual({ progress: NOTHING_DONE, isOther: false });
    }
    expect(await readdir(join(folder, "loads"))).toHaveLength(1);
  });

  it("does not depend on the name of the file", async () => {
    const folder = newFolder();
    await stateOf(folder).write(progress(7));
    expect((await stateOf(folder, { file: "copy.csv" }).read()).progress).toEqual(progress(7));
  });

  it("counts for nothing with other options, and says so", async () => {
    const folder = newFolder();
    await stateOf(folder).write(progress(7));
    expect(await stateOf(folder, { options: "{1}" }).read()).toEqual({ progress: NOTHING_DONE, isOther: true });
  });

  it("ends up at the last of many writes, and leaves nothing beside it", async () => {
    const state = stateOf(newFolder());
    await Promise.all(Array.from({ length: 50 }, (_, i) => state.write(progress(i + 1))));
    expect((await state.read()).progress).toEqual(progress(50));
    expect(await readdir(dirname(state.path))).toHaveLength(1);
  });

  it("is refused where a named file belongs to something else", async () => {
    const path = join(newFolder(), "state");
    const own = new LoadState(path, KEY);
    await writeFile(path, "my diary");
    await expect(own.read()).rejects.toThrow(UsageError);
    await expect(own.reset()).rejects.toThrow(UsageError);
    expect(await readFile(path, "utf8")).toBe("my diary");
    await new LoadState(path, { ...KEY, identity: "2", file: "other.csv" }).write(progress(1));
    await expect(own.read()).rejects.toThrow("state of another load (other.csv)");
    await own.reset();
    expect((await own.read()).progress).toEqual(NOTHING_DONE);
  });

  it("says what to do where it cannot be written", async () => {
    const folder = newFolder();
    await writeFile(join(folder, "loads"), "in the way");
    await expect(stateOf(folder).write(progress(1))).rejects.toThrow("--state FILE");
  });
});
