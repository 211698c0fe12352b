import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SERVICE_NAMES } from "../src/upstream/index.js";
import { type Gateway, startGateway, tokenFor } from "./support/gateway.js";
import type { Upstreams } from "./support/standins.js";

const NOWHERE = Object.fromEntries(SERVICE_NAMES.map((name) => [name, "http://127.0.0.1:9"])) as Upstreams["urls"];
const BOOKING = {
  ...{ event_type: "booking.cancelled", event_timestamp: "2026-01-01T00:00:00Z", booking_id: "b1", rider_id: "r1" },
  ...{ driver_id: "d1", route_id: "rt1", cancelled_by: "ROBOT" },
};

describe("dead letters", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "crowsnest-replay-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const start = (environment: Record<string, string> = {}): Promise<Gateway> =>
    startGateway({ urls: NOWHERE } as Upstreams, { DATA_DIR: folder, UNKNOWN_EVENTS: "refuse", ...environment });

  it("are taken in by a replay once the schema that refused them is mended, and only once", async () => {
    const first = await start();
    const sent = await first.app.server.inject({
      method: "POST",
      url: "/v1/events?faults=set-aside",
      headers: { authorization: `Bearer ${tokenFor("ADMIN")}`, "content-type": "application/json" },
      payload: [BOOKING, { type: "parcel.sent", user: "u1", properties: { weight: 2 } }],
    });
    expect(sent.json()).toEqual({ accepted: 0, set_aside: 2 });
    await first.app.events.settled();
    await first.stop();

    const file = join(folder, "types.json");
    const cancelled = (await import("../src/events/index.js")).EVENT_TYPES.find(
      ({ name }) => name === "booking.cancelled",
    );
    const schema = structuredClone(cancelled?.schema) as { properties: { cancelled_by: object } };
    schema.properties.cancelled_by = { type: "string" };
    await writeFile(file, JSON.stringify([{ name: "booking.cancelled", schema }, { name: "parcel.sent" }]));

    const mended = await start({ EVENT_TYPES_FILE: file });
    try {
      const replay = async () =>
        (await mended.graphql("mutation { deadLettersReplay(input: {}) { replayed failed } }")).body.data
          .deadLettersReplay;
      expect(await replay()).toEqual({ replayed: 2, failed: 0 });
      expect(await replay()).toEqual({ replayed: 0, failed: 0 });
      await mended.app.events.stored();
      const { body } = await mended.graphql("{ events { nodes { type subject userId } } deadLetters { totalCount } }");
      expect(body.data.events.nodes).toHaveLength(2);
      expect(body.data.events.nodes).toContainEqual({ type: "booking.cancelled", subject: "b1", userId: "r1" });
      expect(body.data.deadLetters.totalCount).toBe(0);
      const audit = await mended.graphql('{ auditLog(filter: { action: "deadLetters.replay" }) { total } }');
      expect(audit.body.data.auditLog.total).toBeGreaterThan(0);
    } finally {
      await mended.stop();
    }
  });
});
