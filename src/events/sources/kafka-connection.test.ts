import { describe, expect, it } from "vitest";
import { kafkaConfig } from "./kafka-connection.js";

describe("Kafka servers", () => {
  it.each([
    ["one:9092", ["one:9092"]],
    ["one:9092, two:9093 ,", ["one:9092", "two:9093"]],
    ["one,two", ["one:9092", "two:9092"]],
    ["kafka://one:9094,two:9094", ["one:9094", "two:9094"]],
  ])("%s", (servers, brokers) => {
    const config = kafkaConfig({ servers });
    expect(config.brokers).toEqual(brokers);
    expect(config).not.toHaveProperty("ssl");
    expect(config).not.toHaveProperty("sasl");
    expect(config.clientId).toMatch(/^openride-analytics-service-[0-9a-f]{8}$/);
  });

  it("with TLS, user and password", () => {
    const servers = "kafka+ssl://us%40er:p%3Ass@one:9093,two:9093/?mechanism=SCRAM-SHA-512";
    const { brokers, ssl, sasl } = kafkaConfig({ servers });
    expect(brokers).toEqual(["one:9093", "two:9093"]);
    expect(ssl).toBe(true);
    expect(sasl).toEqual({ mechanism: "scram-sha-512", username: "us@er", password: "p:ss" });
  });

  it("with a password and without TLS; plain by default", () => {
    const { ssl, sasl } = kafkaConfig({ servers: "kafka://user:@one" });
    expect(ssl).toBeUndefined();
    expect(sasl).toEqual({ mechanism: "plain", username: "user", password: "" });
  });

  it("with certificates", () => {
    expect(kafkaConfig({ servers: "one:9093", tls: { ca: "PEM" } }).ssl).toEqual({ ca: "PEM" });
  });

  it.each([
    "",
    " ",
    "kafka://",
    "http://one:9092",
    "kafka://user:secret@",
    "kafka://user:se cret@one:9092/topic",
  ])("refuses '%s' without repeating it", (servers) => {
    expect(() => kafkaConfig({ servers })).toThrow(/must be host:port/);
    expect(() => kafkaConfig({ servers })).not.toThrow(/cret/);
  });

  it("refuses a mechanism that it does not know", () => {
    expect(() => kafkaConfig({ servers: "kafka://u:p@one?mechanism=gssapi" })).toThrow("must be one of plain");
  });
});
