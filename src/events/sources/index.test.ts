import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { countingMetrics, RecordingIntake } from "../../../tests/support/recording-intake.js";
import { EVENT_TYPES } from "../registry/index.js";
import { BOOKING_CHANNELS, createSources, FLEET_STREAMS, RIDE_TOPICS, type SourcesOptions } from "./index.js";

async function create(options: Partial<SourcesOptions>) {
  const gauges: { name: string; read: () => Iterable<readonly [string, number]> }[] = [];
  const watchGauges: SourcesOptions["metrics"]["watchGauges"] = (name, _help, _label, read) => {
    gauges.push({ name, read });
  };
  const metrics = { ...countingMetrics(), watchGauges };
  const log = pino({ level: "silent" });
  const sources = await createSources({ tenant: "t", intake: new RecordingIntake(), metrics, log, ...options });
  return { gauges, sources };
}

const url = "redis://127.0.0.1:1";

describe("the sources", () => {
  it("are those that are asked for, not started", async () => {
    const { sources } = await create({ kafka: { servers: "one:9092" }, redisStreams: { url }, redisPubsub: { url } });
    expect(sources.map(({ name }) => name)).toEqual(["kafka", "redis-streams", "redis-pubsub"]);
    expect(sources.map((source) => source.status().state)).toEqual(["stopped", "stopped", "stopped"]);
    await Promise.all(sources.map((source) => source.stop()));
    expect((await create({ kafka: null })).sources).toEqual([]);
  });

  it("tell how far behind they are", async () => {
    const { gauges } = await create({ kafka: { servers: "one:9092" }, redisPubsub: { url } });
    expect(gauges.map(({ name, read }) => [name, [...read()]])).toEqual([
      ["crowsnest_source_lag", [["redis-pubsub", 0]]],
    ]);
  });

  it("refuse servers that they cannot read, without a password in the message", async () => {
    await expect(create({ kafka: { servers: "kafka://user:secret@" } })).rejects.toThrow(/must be host:port/);
  });
});

describe("by default", () => {
  it("there is a stream for each type of fleet event", () => {
    const types = EVENT_TYPES.filter(({ area }) => area === "fleet").map(({ name }) => name);
    expect([...FLEET_STREAMS].sort()).toEqual(types.sort());
  });

  it("topics and channels are those of the contracts", () => {
    expect(RIDE_TOPICS).toHaveLength(7);
    expect(BOOKING_CHANNELS).toHaveLength(12);
  });
});
