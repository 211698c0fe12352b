import { generateKeyPairSync, randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Checkpointer, checkpointKey, verifyTrail } from "../../src/audit/index.js";
import { AuditCheckpoints, AuditEntries, type AuditRecord, type Database, openDatabase } from "../../src/db/index.js";
import { createLogger } from "../../src/ops/logs.js";
import { createDatabase } from "../support/postgres.js";

const ENTRIES = 1_000_000;
const BATCH = 5000;

let database: Database;
let drop: () => Promise<void>;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "crowsnest-audit-"));
  const created = await createDatabase();
  drop = created.drop;
  database = await openDatabase({ url: created.url });
});
afterAll(async () => {
  await database.close();
  await drop();
  await rm(folder, { recursive: true, force: true });
});

it("verifies a million entries in less than half a minute", async () => {
  const entries = new AuditEntries(database.prisma);
  const checkpoints = new AuditCheckpoints(database.prisma);
  const key = checkpointKey(
    generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  );
  const log = createLogger("test", "silent");
  const checkpointer = new Checkpointer({ entries, checkpoints, key, file: join(folder, "f"), clock: Date.now, log });
  for (let n = 0; n < ENTRIES; n += BATCH) {
    await entries.seal(Array.from({ length: BATCH }, (_, i) => record(n + i)));
    await checkpointer.write();
  }
  const startedAt = performance.now();
  const verdict = await verifyTrail({ trail: checkpoints, key, ...(await checkpointer.read()) });
  const seconds = (performance.now() - startedAt) / 1000;
  console.log(`${ENTRIES} entries verified in ${seconds.toFixed(1)} s`);
  expect(verdict).toMatchObject({ entries: ENTRIES, checkpoints: ENTRIES / BATCH, unsigned: 0, fault: null });
  expect(seconds).toBeLessThan(30);
});

function record(n: number): AuditRecord {
  return {
    id: randomUUID(),
    tenantId: "default",
    timestamp: Date.parse("2026-01-28T22:00:00.123Z") + n,
    userId: `user_${n % 1000}`,
    role: "FLEET_MANAGER",
    action: "graphql.query",
    resource: "/graphql",
    method: "POST",
    status: 200,
    ip: "127.0.0.1",
    userAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
    details: { name: "FleetOverview", fields: ["fleet", "vehicles"] },
    source: "user",
    eventType: null,
    eventId: null,
  };
}
