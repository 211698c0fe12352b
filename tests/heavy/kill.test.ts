import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { remoteOperator } from "../../src/control.js";
import { AuditEntries, AuditSubjects, openDatabase } from "../../src/db/index.js";
import { moments } from "../support/moments.js";
import { ended, startProcess } from "../support/processes.js";

const ROUNDS = 15;
const SEED = Number(process.env.SEED ?? 1);

it(`loses no acknowledged user and leaves no gap in the audit over ${ROUNDS} kills -9 (SEED=${SEED})`, async () => {
  const random = moments(SEED);
  const DATA_DIR = await mkdtemp(join(tmpdir(), "crowsnest-kill-"));
  const services = Object.fromEntries(
    ["INGESTION", "HEALTH", "AGENT", "ALERT", "SCHEDULING", "WARRANTY"].map((name) => [
      `${name}_SERVICE_URL`,
      "http://127.0.0.1:9",
    ]),
  );
  const acknowledged: string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const gateway = await startProcess({ ...services, DATA_DIR, SWEEP: "off", LOG_LEVEL: "silent" });
    let alive = true;
    const writing = (async () => {
      for (let n = 0; alive; n++) {
        const username = `user_${round}_${n}`;
        try {
          await remoteOperator(DATA_DIR).createAccount({ username, password: "a-long-password", roleId: "SUPPORT" });
          acknowledged.push(username);
          await fetch(`${gateway.base}/api/v1/users/me`);
        } catch {
          // Killed in the middle: what was not acknowledged may be there or not.
        }
      }
    })();
    await sleep(300 + random() * 2500);
    gateway.child.kill("SIGKILL");
    alive = false;
    await ended(gateway.child);
    await writing;
  }

  const database = await openDatabase({ folder: DATA_DIR });
  try {
    const masterKey = Buffer.from(await readFile(join(DATA_DIR, "audit-master-key"), "utf8"), "base64");
    const entries = new AuditEntries(database.prisma, new AuditSubjects(database.prisma, masterKey));
    await entries.seal([]);
    const users = await database.prisma.user.findMany();
    const names = new Set(users.map((user) => user.username));
    expect(acknowledged.length).toBeGreaterThan(ROUNDS);
    expect(acknowledged.filter((name) => !names.has(name))).toEqual([]);
    const rows = await database.prisma.auditEntry.findMany({ orderBy: { seq: "asc" } });
    expect(rows.map((row) => Number(row.seq))).toEqual(rows.map((_, i) => i + 1));
    // Exactly one entry per user made: none lost between the change and the trail, none doubled by the restart.
    const made = rows.filter((row) => row.action === "user.create").map((row) => row.resource);
    expect(made.toSorted()).toEqual(users.map(({ id }) => `users/${id}`).toSorted());
    console.log(`${acknowledged.length} acknowledged users, ${rows.length} audit entries, ${ROUNDS} kills`);
  } finally {
    await database.close();
  }
});
