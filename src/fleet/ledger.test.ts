import { describe, expect, it } from "vitest";
import { UpstreamError } from "../upstream/index.js";
import { Ledger } from "./ledger.js";

describe("a ledger with nothing but failures", () => {
  it("says that services are away where one is, whatever the others have sent", () => {
    const ledger = new Ledger();
    ledger.fail("ingestion", new UpstreamError("UPSTREAM_MALFORMED", "ingestion", "answer is not JSON"));
    expect(() => ledger.assertSomething()).toThrow(expect.objectContaining({ code: "UPSTREAM_MALFORMED" }));
    ledger.fail("health", new UpstreamError("UPSTREAM_UNAVAILABLE", "health", "answered 503"));
    ledger.fail("alert", new UpstreamError("UPSTREAM_TIMEOUT", "alert", "no answer"));
    expect(() => ledger.assertSomething()).toThrow(expect.objectContaining({ code: "UPSTREAM_UNAVAILABLE" }));
  });
});
