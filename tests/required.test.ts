import { describe, expect, it } from "vitest";
import { HAS_BROWSER } from "./support/browser.js";
import { HAS_CLICKHOUSE } from "./support/chdb.js";
import { HAS_KAFKA } from "./support/kafka.js";
import { HAS_POSTGRES } from "./support/postgres.js";
import { HAS_REDIS } from "./support/redis.js";
import { HAS_UPSTREAMS } from "./support/standins.js";

/** Where everything is meant to be there, nothing may be skipped for want of it. */
describe.runIf(process.env.REQUIRE_SUITES === "1")("no suite is skipped", () => {
  it("for want of a Postgres server", () => expect(HAS_POSTGRES).toBe(true));
  it("for want of a browser", () => expect(HAS_BROWSER).toBe(true));
  it("for want of Redis", () => expect(HAS_REDIS).toBe(true));
  describe.runIf(process.env.STANDINS_DIR)("with the stand-ins", () => {
    it("for want of the upstream services", () => expect(HAS_UPSTREAMS).toBe(true));
    it("for want of Kafka", () => expect(HAS_KAFKA).toBe(true));
    it("for want of ClickHouse's engine", () => expect(HAS_CLICKHOUSE).toBe(true));
  });
});
