import { describe, expect, it } from "vitest";
import { Collector } from "../../tests/support/loading.js";
import { LoadFailed, TryAgain } from "./errors.js";
import { PatientSender } from "./patient-sender.js";
import type { Sent } from "./sender.js";

const EVENT = '{"type":"t","id":"1","properties":{}}\n';

/** Fails in these ways in turn, then takes everything in. */
class Failing extends Collector {
  tries = 0;
  constructor(readonly failures: readonly Error[]) {
    super();
  }
  override async send(lines: string): Promise<Sent> {
    const failure = this.failures[this.tries++];
    if (failure) throw failure;
    return super.send(lines);
  }
}

const busy = new TryAgain("the gateway is busy");

function patient(failures: readonly Error[], { waitTakes = 0 } = {}) {
  const inner = new Failing(failures);
  const [waits, told]: [number[], string[]] = [[], []];
  const stop = new AbortController();
  let now = 0;
  const sender = new PatientSender(inner, {
    stop: stop.signal,
    onWait: (message) => told.push(message),
    random: () => 1,
    now: () => now,
    wait: async (milliseconds) => {
      waits.push(milliseconds);
      now += waitTakes;
    },
  });
  return { sender, inner, waits, told, stop };
}

describe("sending again", () => {
  it("waits longer each time, and tells why", async () => {
    const { sender, waits, told } = patient(Array<Error>(9).fill(busy));
    expect(await sender.send(EVENT)).toEqual({ accepted: 1, setAside: 0 });
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
    expect(told[0]).toBe("the gateway is busy; trying again in 0.5 s");
  });

  it("waits as long as it is asked to, but for a wait without end", async () => {
    const { sender, waits } = patient([new TryAgain("x", 7000), new TryAgain("x", 1e9)]);
    await sender.send(EVENT);
    expect(waits).toEqual([7000, 300_000]);
  });

  it("does not try what is refused for good", async () => {
    const { sender, inner } = patient([new LoadFailed("the token is wrong")]);
    await expect(sender.send(EVENT)).rejects.toThrow("the token is wrong");
    expect(inner.tries).toBe(1);
  });

  it("gives up after five minutes without success", async () => {
    const { sender, inner } = patient(Array<Error>(100).fill(busy), { waitTakes: 61_000 });
    await expect(sender.send(EVENT)).rejects.toThrow(new LoadFailed("the gateway is busy"));
    expect(inner.tries).toBe(6);
  });

  it("stops once it is told to, also in the middle of a wait", async () => {
    const { sender, inner, stop } = patient([busy, busy]);
    stop.abort();
    await expect(sender.send(EVENT)).rejects.toThrow(LoadFailed);
    expect(inner.tries).toBe(1);
    const later = new AbortController();
    const waiting = new PatientSender(new Failing([new TryAgain("x", 60_000)]), {
      stop: later.signal,
      onWait: () => setTimeout(() => later.abort(), 10),
    });
    await expect(waiting.send(EVENT)).rejects.toThrow(LoadFailed);
  });
});
