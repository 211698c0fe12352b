import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { DEFAULT_TENANT } from "../domain/access/scope.js";
import { openDatabase } from "./database.js";
import { lockHolder } from "./lock.js";

// An embedded Postgres takes seconds to start where other suites keep the machine busy.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

const MIGRATIONS = new URL("../../prisma/migrations/", import.meta.url);
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "crowsnest-db-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Applied {
  readonly migration_name: string;
  readonly checksum: string;
}
const APPLIED = 'SELECT migration_name, checksum FROM "_prisma_migrations" ORDER BY migration_name';

describe("the embedded database", () => {
  it("applies every migration once, in Prisma's own bookkeeping, and keeps what it has when opened again", async () => {
    const first = await openDatabase({ folder });
    await first.prisma.tenant.create({ data: { id: "kept", name: "Kept" } });
    const applied = await first.prisma.$queryRawUnsafe<Applied[]>(APPLIED);
    await first.close();
    const names = (await readdir(MIGRATIONS)).filter((name) => /^\d/.test(name)).sort();
    expect(applied.map((row) => row.migration_name)).toEqual(names);
    const sql = await readFile(new URL(`${names[0]}/migration.sql`, MIGRATIONS));
    expect(applied[0]?.checksum).toBe(createHash("sha256").update(sql).digest("hex"));

    const second = await openDatabase({ folder });
    expect(await second.prisma.$queryRawUnsafe<Applied[]>(APPLIED)).toEqual(applied);
    expect((await second.prisma.tenant.findMany({ orderBy: { id: "asc" } })).map((t) => t.id)).toEqual([
      DEFAULT_TENANT,
      "kept",
    ]);
    expect(second.description).toBe("embedded postgres");
    await second.close();
  });

  it("belongs to one process: a second one is told who holds it", async () => {
    const held = await openDatabase({ folder });
    expect(await lockHolder(folder)).toBe(process.pid);
    const module = new URL("./database.ts", import.meta.url).href;
    const script = `const { openDatabase } = await import(${JSON.stringify(module)}); await openDatabase({ folder: ${JSON.stringify(folder)} });`;
    const cwd = fileURLToPath(new URL("../../", import.meta.url));
    const refused = await new Promise<string>((done) => {
      execFile(
        process.execPath,
        ["--import", "tsx", "--input-type=module", "-e", script],
        { cwd },
        (error, _out, stderr) => done(error ? stderr : "opened"),
      );
    });
    expect(refused).toContain(`is in use by process ${process.pid}`);
    expect(refused).toContain("DATA_DIR");
    await held.prisma.tenant.count();
    await held.close();
    expect(await lockHolder(folder)).toBeNull();
  });

  it("can be had again after its process was killed", async () => {
    const dead = await new Promise<number>((done) => {
      const child = execFile(process.execPath, ["-e", ""], () => done(child.pid ?? 0));
    });
    await writeFile(join(folder, "process.lock"), String(dead));
    expect(await lockHolder(folder)).toBeNull();
    const database = await openDatabase({ folder });
    expect(await lockHolder(folder)).toBe(process.pid);
    await database.close();
  });

  it("is not opened over a migration that was edited after it had been applied, and is let go of", async () => {
    const database = await openDatabase({ folder });
    await database.prisma.$executeRawUnsafe(`UPDATE "_prisma_migrations" SET checksum = 'of another file'`);
    await database.close();
    await expect(openDatabase({ folder })).rejects.toThrow(
      /^Migration \S+ was changed after it had been applied\. Restore the file/,
    );
    expect(await lockHolder(folder)).toBeNull();
  });
});

describe("a Postgres server", () => {
  /** What the client says first: `user`, name, `database`, name. */
  async function greeting(url: (port: number) => string): Promise<string[]> {
    let port = 0;
    const said = new Promise<Buffer>((done) => {
      const server = createServer((socket) => {
        socket.on("error", () => undefined);
        socket.once("data", (data) => {
          done(data);
          socket.destroy();
          server.close();
        });
      });
      server.listen(0, "127.0.0.1", () => {
        port = (server.address() as AddressInfo).port;
        openDatabase({ url: url(port) }).catch(() => undefined);
      });
    });
    return (await said).subarray(8).toString("utf8").split("\0");
  }

  it.each([
    "postgresql",
    "postgres",
    "postgresql+asyncpg",
    "postgres+psycopg2",
  ])("is found by a URL of scheme %s", async (scheme) => {
    const words = await greeting((port) => `${scheme}://fleet:secret@127.0.0.1:${port}/analytics`);
    expect(words.slice(0, 4)).toEqual(["user", "fleet", "database", "analytics"]);
  });

  it("that is away is told without the password", async () => {
    const failure = await openDatabase({ url: "postgresql+asyncpg://fleet:hunter2@127.0.0.1:1/analytics" }).catch(
      String,
    );
    expect(failure).toContain("ECONNREFUSED");
    expect(failure).not.toContain("hunter2");
  });
});
