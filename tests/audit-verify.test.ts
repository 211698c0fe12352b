import { generateKeyPairSync, randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readCheckpointFile } from "../src/audit/checkpoints.js";
import { type AuditVerdict, Checkpointer, checkpointKey, verifyTrail } from "../src/audit/index.js";
import {
  AuditCheckpoints,
  AuditEntries,
  type AuditRecord,
  type Checkpoint,
  type Database,
  hashOfEntry,
  openDatabase,
  type Transaction,
} from "../src/db/index.js";
import { createLogger } from "../src/ops/logs.js";
import { createDatabase, HAS_POSTGRES } from "./support/postgres.js";

const TENANTS = ["default", "acme"];
/** Of each tenant. */
const ENTRIES = 24;
/** Entries between two checkpoints. */
const STEP = 4;

const newKey = () =>
  checkpointKey(generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString());

function record(tenantId: string, n: number): AuditRecord {
  return {
    id: randomUUID(),
    tenantId,
    timestamp: Date.parse("2026-01-28T22:00:00.123Z") + n * 1001,
    userId: n % 3 === 0 ? null : `user_${n % 5}`,
    role: "ADMIN",
    action: n % 2 ? "dashboard.view" : "user.update",
    resource: `/path/${n}`,
    method: "GET",
    status: 200,
    ip: "127.0.0.1",
    userAgent: "vitest",
    details: { n, z: "last", a: 1e21, nested: { b: [1.5, -0, "ü\"'\\"], a: null } },
    source: n % 7 === 0 ? "event" : "user",
    eventType: n % 7 === 0 ? "alert.created" : null,
    eventId: null,
  };
}

describe.skipIf(!HAS_POSTGRES)("the audit trail", () => {
  let database: Database;
  let drop: () => Promise<void>;
  let folder: string;
  let file: string;
  const key = newKey();
  const log = createLogger("test", "silent");

  beforeAll(async () => {
    const { url, drop: dropDatabase } = await createDatabase();
    drop = dropDatabase;
    database = await openDatabase({ url });
    folder = await mkdtemp(join(tmpdir(), "crowsnest-audit-"));
    file = join(folder, "checkpoints.ndjson");
    const entries = new AuditEntries(database.prisma);
    const checkpoints = new AuditCheckpoints(database.prisma);
    const checkpointer = new Checkpointer({ entries, checkpoints, key, file, clock: Date.now, log });
    for (let n = 0; n < ENTRIES; n += STEP) {
      await entries.seal(TENANTS.flatMap((tenant) => Array.from({ length: STEP }, (_, i) => record(tenant, n + i))));
      await checkpointer.write();
    }
  });
  afterAll(async () => {
    await database?.close();
    await drop?.();
    await rm(folder, { recursive: true, force: true });
  });

  async function verify(prisma: Database["prisma"], lines: readonly Checkpoint[]): Promise<AuditVerdict> {
    const trail = new AuditCheckpoints(prisma);
    return verifyTrail({ trail, key, inDatabase: await trail.list(), file: lines });
  }

  /** What is found after a change that is then undone. */
  async function after(change: (transaction: Transaction) => Promise<unknown>, lines?: Checkpoint[]) {
    let verdict: AuditVerdict | undefined;
    const undo = new Error("undo");
    const attempt = database.prisma.$transaction(async (transaction) => {
      await transaction.$executeRawUnsafe("ALTER TABLE audit_entries DISABLE TRIGGER USER");
      await transaction.$executeRawUnsafe("ALTER TABLE audit_checkpoints DISABLE TRIGGER USER");
      await change(transaction);
      verdict = await verify(transaction as Database["prisma"], lines ?? (await readCheckpointFile(file)));
      throw undo;
    });
    await expect(attempt).rejects.toBe(undo);
    return verdict as AuditVerdict;
  }

  it("is whole as it was written", async () => {
    expect(await verify(database.prisma, await readCheckpointFile(file))).toEqual({
      entries: ENTRIES * TENANTS.length,
      tenants: TENANTS.length,
      checkpoints: (ENTRIES / STEP) * TENANTS.length,
      unsigned: 0,
      fault: null,
    });
  });

  it.each([
    "UPDATE audit_entries SET action = 'nothing' WHERE seq = 3",
    "UPDATE audit_entries SET hash = prev_hash",
    "DELETE FROM audit_entries WHERE seq = 3",
    "TRUNCATE audit_entries",
    "UPDATE audit_checkpoints SET seq = seq + 1",
    "DELETE FROM audit_checkpoints",
    "TRUNCATE audit_checkpoints CASCADE",
  ])("refuses in the database itself: %s", async (sql) => {
    await expect(database.prisma.$executeRawUnsafe(sql)).rejects.toThrow(/only grows/);
  });

  const COLUMNS: Record<string, string> = {
    id: "'another'",
    timestamp: "timestamp + interval '1 millisecond'",
    user_id: "coalesce(user_id, '') || 'x'",
    role: "'SUPPORT'",
    action: "action || '.'",
    resource: "resource || '/'",
    method: "'POST'",
    status: "status + 1",
    ip: "NULL",
    user_agent: "''",
    details: `replace(details::text, '"last"', '"lost"')::json`,
    source: "source || ' '",
    event_type: "coalesce(event_type, '') || '.x'",
    event_id: "'x'",
    prev_hash: "sha256(prev_hash)",
    hash: "sha256(hash)",
  };

  /** One who can do everything to the database, and knows how hashes are made. */
  async function rehash(transaction: Transaction, tenant: string): Promise<void> {
    let [hash, seq] = ["0".repeat(64), 0];
    for await (const page of new AuditCheckpoints(transaction as Database["prisma"]).pages(1000)) {
      for (const [fields] of page.filter(([[of]]) => of === tenant)) {
        const prevHash = hash;
        seq += 1;
        const [, oldSeq, ...rest] = fields;
        hash = hashOfEntry([tenant, String(seq), ...rest, prevHash] as never);
        await transaction.$executeRaw`
          UPDATE audit_entries SET seq = ${seq}, prev_hash = decode(${prevHash}, 'hex'), hash = decode(${hash}, 'hex')
          WHERE tenant_id = ${tenant} AND seq = ${oldSeq}::bigint`;
      }
    }
  }

  const at = fc.integer({ min: 1, max: ENTRIES });
  const tenant = fc.constantFrom(...TENANTS);
  const attack = fc.oneof(
    fc.record({
      kind: fc.constant("edit"),
      tenant,
      seq: at,
      column: fc.constantFrom(...Object.keys(COLUMNS)),
      other: at,
    }),
    fc.record({ kind: fc.constant("delete"), tenant, seq: at, column: fc.constant(""), other: at }),
    fc.record({ kind: fc.constant("insert"), tenant, seq: at, column: fc.constant(""), other: at }),
    fc.record({ kind: fc.constant("swap"), tenant, seq: at, column: fc.constant(""), other: at }),
    fc.record({ kind: fc.constant("truncate"), tenant, seq: at, column: fc.constant(""), other: at }),
    fc.record({ kind: fc.constant("remove all"), tenant, seq: at, column: fc.constant(""), other: at }),
  );

  async function carryOut(transaction: Transaction, { kind, tenant: of, seq, column, other }: Attack): Promise<void> {
    const run = (sql: string) => transaction.$executeRawUnsafe(sql);
    const where = `tenant_id = '${of}' AND seq = ${seq}`;
    if (kind === "edit") await run(`UPDATE audit_entries SET ${column} = ${COLUMNS[column]} WHERE ${where}`);
    else if (kind === "delete") await run(`DELETE FROM audit_entries WHERE ${where}`);
    else if (kind === "truncate") await run(`DELETE FROM audit_entries WHERE tenant_id = '${of}' AND seq >= ${seq}`);
    else if (kind === "remove all") await run(`DELETE FROM audit_entries WHERE tenant_id = '${of}'`);
    else if (kind === "insert") {
      await run(`UPDATE audit_entries SET seq = -seq WHERE tenant_id = '${of}' AND seq >= ${seq}`);
      await run(`UPDATE audit_entries SET seq = -seq + 1 WHERE tenant_id = '${of}' AND seq < 0`);
      await run(
        `INSERT INTO audit_entries SELECT tenant_id, ${seq}, 'inserted', timestamp, user_id, role, action, resource, method,
           status, ip, user_agent, details, source, event_type, event_id, prev_hash, hash
         FROM audit_entries WHERE tenant_id = '${of}' AND seq = ${seq + 1}`,
      );
    } else {
      await run(`UPDATE audit_entries SET seq = 0 WHERE ${where}`);
      await run(`UPDATE audit_entries SET seq = ${seq} WHERE tenant_id = '${of}' AND seq = ${other}`);
      await run(`UPDATE audit_entries SET seq = ${other} WHERE tenant_id = '${of}' AND seq = 0`);
    }
  }

  type Attack = { kind: string; tenant: string; seq: number; column: string; other: number };

  it("tells of every edit, deletion, insertion, swap and truncation, also when all hashes are made anew", async () => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(attack, fc.boolean(), async (one, recomputes) => {
        fc.pre(one.kind !== "swap" || one.seq !== one.other);
        const verdict = await after(async (transaction) => {
          await carryOut(transaction, one);
          if (recomputes && one.column !== "prev_hash" && one.column !== "hash") await rehash(transaction, one.tenant);
        });
        expect(verdict.fault, JSON.stringify({ ...one, recomputes })).not.toBeNull();
        seen.add(`${one.kind} ${recomputes}`);
      }),
      { numRuns: 150, seed: 1 },
    );
    expect(seen.size).toBe(12);
  }, 120_000);

  it("tells of every change to checkpoints, in the database and in the file", async () => {
    const count = (ENTRIES / STEP) * TENANTS.length;
    const lines = await readCheckpointFile(file);
    for (let i = 0; i < count; i++) {
      const { tenant: of, seq } = lines[i] as Checkpoint;
      const where = `WHERE tenant_id = '${of}' AND seq = ${seq}`;
      for (const sql of [
        `DELETE FROM audit_checkpoints ${where}`,
        `DELETE FROM audit_checkpoints WHERE tenant_id = '${of}' AND seq >= ${seq}`,
        `UPDATE audit_checkpoints SET hash = sha256(hash) ${where}`,
        `UPDATE audit_checkpoints SET created_at = created_at + interval '1 second' ${where}`,
        `UPDATE audit_checkpoints SET seq = seq - 1 ${where}`,
        `UPDATE audit_checkpoints SET key_id = 'other' ${where}`,
        `UPDATE audit_checkpoints SET previous = sha256(previous) ${where}`,
        `UPDATE audit_checkpoints SET signature = sha512(signature) ${where}`,
      ]) {
        expect((await after((transaction) => transaction.$executeRawUnsafe(sql))).fault, sql).not.toBeNull();
      }
      const change = (lineChange: Partial<Checkpoint>) =>
        lines.map((line, j) => (j === i ? { ...line, ...lineChange } : line));
      for (const changed of [
        lines.filter((_, j) => j !== i),
        lines.slice(0, i),
        change({ seq: "1" }),
        change({ hash: "0".repeat(64) }),
        change({ createdAt: 0 }),
        change({ tenant: "elsewhere" }),
      ]) {
        expect((await after(async () => undefined, changed)).fault, `line ${i}`).not.toBeNull();
      }
    }
  }, 120_000);

  it("takes no checkpoints of another key, however complete", async () => {
    const other = newKey();
    const trail = new AuditCheckpoints(database.prisma);
    const verdict = await verifyTrail({ trail, key: other, inDatabase: await trail.list(), file: [] });
    expect(verdict.fault).toMatchObject({ kind: "changed checkpoint" });
  });

  it("counts what was added after the last checkpoint as not proven", async () => {
    const verdict = await after(async (transaction) => {
      await transaction.$executeRaw`
        INSERT INTO audit_entries SELECT tenant_id, seq + 1, 'appended', timestamp, user_id, role, action, resource, method,
          status, ip, user_agent, details, source, event_type, event_id, prev_hash, hash
        FROM audit_entries WHERE tenant_id = 'acme' AND seq = ${ENTRIES}`;
      await rehash(transaction, "acme");
    });
    expect(verdict).toMatchObject({ unsigned: 1, fault: null });
  });

  it("chains entries of older versions once, in order", async () => {
    const { url, drop: dropOld } = await createDatabase();
    const old = await openDatabase({ url });
    try {
      const entries = new AuditEntries(old.prisma);
      await entries.seal(TENANTS.slice(0, 1).flatMap((of) => Array.from({ length: 9 }, (_, n) => record(of, n))));
      for (const sql of [
        "ALTER TABLE audit_entries DISABLE TRIGGER USER",
        "UPDATE audit_entries SET hash = NULL, prev_hash = NULL",
        "ALTER TABLE audit_entries ENABLE TRIGGER USER",
      ]) {
        await old.prisma.$executeRawUnsafe(sql);
      }
      const trail = new AuditCheckpoints(old.prisma);
      const check = () => verifyTrail({ trail, key, inDatabase: [], file: [] });
      expect((await check()).fault).toMatchObject({ kind: "unhashed entry" });
      expect(await entries.chainOld()).toBe(9);
      expect(await entries.chainOld()).toBe(0);
      await entries.seal([record("default", 10)]);
      expect(await check()).toMatchObject({ entries: 10, unsigned: 10, fault: null });
    } finally {
      await old.close();
      await dropOld();
    }
  });

  it("goes on from a file with a torn last line, and a database that a killed process had not written to", async () => {
    const copy = join(folder, "torn.ndjson");
    const whole = await readFile(file, "utf8");
    await writeFile(copy, `${whole}{"tenant":"acme","se`);
    const verdict = await database.prisma
      .$transaction(async (transaction) => {
        const prisma = transaction as Database["prisma"];
        await transaction.$executeRawUnsafe("ALTER TABLE audit_checkpoints DISABLE TRIGGER USER");
        await transaction.$executeRaw`DELETE FROM audit_checkpoints WHERE tenant_id = 'acme' AND seq = ${ENTRIES}`;
        const checkpoints = new AuditCheckpoints(prisma);
        const again = new Checkpointer({
          entries: new AuditEntries(prisma),
          checkpoints,
          key,
          file: copy,
          clock: Date.now,
          log,
        });
        await again.start();
        await again.close();
        throw Object.assign(new Error("undo"), { verdict: await verify(prisma, await readCheckpointFile(copy)) });
      })
      .catch((error: { verdict?: AuditVerdict }) => error.verdict);
    expect(verdict).toMatchObject({ unsigned: 0, fault: null });
    expect(await readFile(copy, "utf8")).toBe(whole);
  });
});
