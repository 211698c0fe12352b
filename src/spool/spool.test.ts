import { execFileSync } from "node:child_process";
import { appendFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLogger } from "../ops/logs.js";
import { encodeBatch, readLines, type Segment, verify } from "./segment.js";
import { Spool, SpoolRefused } from "./spool.js";

const log = createLogger("test", "silent");
const MEGABYTE = 1024 * 1024;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "crowsnest-spool-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const open = (maxBytes = 100 * MEGABYTE) => Spool.open({ folder, maxBytes, log });
const line = (text: string): string => `${JSON.stringify({ text })}\n`;

async function linesOf(segments: readonly Segment[]): Promise<string[]> {
  const lines = await Promise.all(segments.map((segment) => readLines(segment.path)));
  return lines.flat().map((text) => (JSON.parse(text) as { text: string }).text);
}

async function waitingIn(spool: Spool): Promise<string[]> {
  return linesOf(await spool.take(1000 * MEGABYTE));
}

describe("a spool", () => {
  it("keeps the order in which batches were appended", async () => {
    const spool = await open();
    const texts = Array.from({ length: 200 }, (_, i) => `batch ${i}`);
    await Promise.all(texts.map((text) => spool.append(line(text))));
    expect(await waitingIn(spool)).toEqual(texts);
    await spool.close();
  });

  it("has what was acknowledged after a process that never closed it", async () => {
    const left = await open();
    await left.append(line("a") + line("b"), { marks: ["audit"], batch: { key: "k" } });
    const spool = await open();
    expect(spool.notes).toEqual([{ marks: ["audit"], batch: { key: "k" } }]);
    const [segment] = await spool.take(MEGABYTE);
    expect(segment?.marks).toEqual(new Set(["audit"]));
    expect(await linesOf(segment ? [segment] : [])).toEqual(["a", "b"]);
    await left.close();
    await spool.close();
  });

  it("takes over a segment of another spool, which may then delete it", async () => {
    const other = await Spool.open({ folder: join(folder, "other"), maxBytes: MEGABYTE, log });
    await other.append(line("a"), { marks: ["audit"] });
    const [segment] = await other.take(MEGABYTE);
    if (!segment) throw new Error("nothing to take over");
    const spool = await open();
    await spool.append(line("before"));
    await spool.adopt(segment);
    await other.release([segment], true);
    await spool.close();
    const reopened = await open();
    expect((await waitingIn(reopened)).toSorted()).toEqual(["a", "before"]);
    await reopened.close();
    await expect(reopened.adopt(segment)).rejects.toMatchObject({ reason: "closed" });
    await other.close();
  });

  it("gives back what was not done, first in line, and deletes what was", async () => {
    const spool = await open();
    await spool.append(line("a"));
    const first = await spool.take(MEGABYTE);
    await spool.append(line("b"));
    await spool.release(first, false);
    expect(await waitingIn(spool)).toEqual(["a"]);
    await spool.release(first, true);
    const second = await spool.take(MEGABYTE);
    expect(await linesOf(second)).toEqual(["b"]);
    await spool.release(second, true);
    expect(spool.bytes).toBe(0);
    expect(await readdir(folder)).toEqual([]);
    await spool.close();
  });

  it("takes batches in while segments are taken away under them", async () => {
    const spool = await open();
    const seen: string[] = [];
    const texts = Array.from({ length: 300 }, (_, i) => `${i}`);
    const appending = Promise.all(
      texts.map(async (text, i) => {
        await new Promise((resolve) => setTimeout(resolve, i % 60));
        await spool.append(line(text));
      }),
    );
    while (seen.length < texts.length) {
      await spool.whenFilled();
      const segments = await spool.take(MEGABYTE);
      seen.push(...(await linesOf(segments)));
      await spool.release(segments, true);
    }
    await appending;
    expect(new Set(seen)).toEqual(new Set(texts));
    expect(seen).toHaveLength(texts.length);
    await spool.close();
  });

  it("refuses what would be more than it may hold, and takes in again once drained", async () => {
    const spool = await open(100);
    await spool.append(line("x".repeat(100)));
    await expect(spool.append(line("y"))).rejects.toMatchObject({ name: "SpoolRefused", reason: "behind" });
    await spool.release(await spool.take(MEGABYTE), true);
    await spool.append(line("y"));
    expect(await waitingIn(spool)).toEqual(["y"]);
    await spool.close();
  });

  it("writes what waits when it is closed, and refuses what comes later", async () => {
    const spool = await open();
    const last = spool.append(line("last"));
    await spool.close();
    await last;
    await expect(spool.append(line("late"))).rejects.toBeInstanceOf(SpoolRefused);
    expect(await waitingIn(await open())).toEqual(["last"]);
  });
});

describe("a torn tail", () => {
  it("is cut off, whatever byte the write ended at", async () => {
    const whole = Buffer.concat([
      ...encodeBatch(line("one") + line('with {"crc":"12345678","bytes":1} inside'), null),
      ...encodeBatch(line("ünïcödé 🚲"), { marks: ["x"] }),
    ]);
    const firstEnd = Buffer.concat(
      encodeBatch(line("one") + line('with {"crc":"12345678","bytes":1} inside'), null),
    ).length;
    for (let length = 0; length <= whole.length; length++) {
      const expected = length === whole.length ? whole.length : length >= firstEnd ? firstEnd : 0;
      expect(verify(whole.subarray(0, length)).goodBytes).toBe(expected);
    }
  });

  it("is noticed for any altered byte", () => {
    const bytes = Buffer.concat(encodeBatch(line("payload") + line("more"), null));
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const altered = Buffer.from(bytes);
        altered[at] = (altered[at] ?? 0) ^ change;
        const { goodBytes } = verify(altered);
        // The one byte that may change unseen is the case of a hexadecimal digit … which then is no longer equal.
        expect(goodBytes).toBe(0);
      }),
    );
  });

  it("leaves the whole batches before it", async () => {
    const spool = await open();
    await spool.append(line("whole"));
    await spool.close();
    const [name = ""] = await readdir(folder);
    await appendFile(join(folder, name), '{"text":"torn');
    const reopened = await open();
    expect(await waitingIn(reopened)).toEqual(["whole"]);
    await reopened.close();
  });

  it("does not take a file with nothing whole for a segment", async () => {
    await writeFile(join(folder, "000000000007.ndjson"), '{"text":"torn');
    const spool = await open();
    expect(spool.bytes).toBe(0);
    await spool.append(line("next"));
    expect(await readdir(folder)).toEqual(["000000000008.ndjson"]);
    await spool.close();
  });

  it("is trimmed as well when only the disk had kept it", async () => {
    const spool = await open();
    await spool.append(line("a"));
    const [name = ""] = await readdir(folder);
    const good = (await readFile(join(folder, name))).length;
    await truncate(join(folder, name), good + 10);
    const [segment] = await spool.take(MEGABYTE);
    expect((await readFile(segment?.path ?? "")).length).toBe(good);
    await spool.close();
  });
});

const canMount = process.platform === "linux" && process.getuid?.() === 0;

describe.skipIf(!canMount)("a full disk", () => {
  it("is refused as full, acknowledges nothing, and is used again once there is room", async () => {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder]);
    try {
      const spool = await open();
      const big = line("x".repeat(100_000));
      let acknowledged = 0;
      const refused: unknown[] = [];
      for (let i = 0; i < 20; i++) {
        await spool.append(big).then(
          () => {
            acknowledged += 1;
          },
          (error: unknown) => refused.push(error),
        );
      }
      expect(acknowledged).toBeGreaterThan(3);
      expect(refused.length).toBeGreaterThan(5);
      for (const error of refused) expect(error).toMatchObject({ name: "SpoolRefused", reason: "full" });
      const segments = await spool.take(1000 * MEGABYTE);
      expect(await linesOf(segments)).toHaveLength(acknowledged);
      await spool.release(segments, true);
      await spool.append(big);
      expect(await waitingIn(spool)).toHaveLength(1);
      await spool.close();
    } finally {
      execFileSync("umount", [folder]);
    }
  });
});
