import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../../src/base/clock.js";
import { JobRecords, openDatabase } from "../../src/db/index.js";
import { Jobs } from "../../src/jobs/index.js";
import { createLogger } from "../../src/ops/logs.js";

/** A process that does jobs until it is killed: three steps each, every step and the end leaving a row behind. */
const [url = "", owner = "", leaseMs = "1000"] = process.argv.slice(2);

const { prisma } = await openDatabase({ url });
const jobs = new Jobs({
  records: new JobRecords(prisma),
  clock: systemClock,
  log: createLogger(owner, "silent"),
  owner,
  pollMs: 100,
});
jobs.define<unknown, number>(
  "steps",
  async ({ job, progress, finish }) => {
    for (let step = job.progress ?? 0; step < 3; step++) {
      await sleep(60);
      await progress(step + 1, async (transaction) => {
        await transaction.$executeRaw`INSERT INTO effects VALUES (${job.key}, ${`step ${step}`}, ${owner})`;
      });
    }
    await sleep(30);
    await finish({ by: owner }, async (transaction) => {
      await transaction.$executeRaw`INSERT INTO effects VALUES (${job.key}, 'end', ${owner})`;
    });
  },
  { concurrency: 2, leaseMs: Number(leaseMs) },
);
jobs.start();
console.log("working");
