import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { killUnderReads } from "../support/audit-kills.js";
import { moments } from "../support/moments.js";

const KILLS = Number(process.env.KILLS ?? 20);
const SEED = Number(process.env.SEED ?? 1);
const services = Object.fromEntries(
  ["INGESTION", "HEALTH", "AGENT", "ALERT", "SCHEDULING", "WARRANTY"].map((name) => [
    `${name}_SERVICE_URL`,
    "http://127.0.0.1:9",
  ]),
);

it(`loses no entry of an answered request over ${KILLS} kills -9 under load (SEED=${SEED})`, async () => {
  const DATA_DIR = await mkdtemp(join(tmpdir(), "crowsnest-audit-kill-"));
  const secret = { JWT_SECRET_KEY: "a-secret-for-tests-of-more-than-32-characters" };
  const { answered, written, sequence } = await killUnderReads(
    { ...services, ...secret, DATA_DIR },
    KILLS,
    moments(SEED),
  );
  console.log(`${answered.length} requests answered over ${KILLS} kills, ${sequence.length} entries`);
  const known = new Set(written);
  expect(known.size).toBe(written.length);
  expect(answered.filter((mark) => !known.has(mark))).toEqual([]);
  expect(sequence).toEqual(sequence.map((_, i) => i + 1));
  await rm(DATA_DIR, { recursive: true, force: true });
});
