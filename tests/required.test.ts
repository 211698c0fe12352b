import { describe, expect, it } from "vitest";
import { HAS_POSTGRES } from "./support/postgres.js";
import { HAS_UPSTREAMS } from "./support/standins.js";

/** Where everything is meant to be there, nothing may be skipped for want of it. */
describe.runIf(process.env.REQUIRE_SUITES === "1")("no suite is skipped", () => {
  it("for want of a Postgres server", () => expect(HAS_POSTGRES).toBe(true));
  it.runIf(process.env.STANDINS_DIR)("for want of the upstream services", () => expect(HAS_UPSTREAMS).toBe(true));
});
