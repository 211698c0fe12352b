import { describe, expect, it } from "vitest";
import { EVENT_TYPES, EventRegistry } from "../registry/index.js";
import { documentsShape } from "./documents.js";
import { isRefused, type RawMessage } from "./shape.js";

const registry = new EventRegistry(EVENT_TYPES, { unknown: "accept" });

function take(value: unknown, hints?: RawMessage["hints"]) {
  const message = documentsShape.read({ value, fallbackId: null, origin: "http", hints });
  if (isRefused(message)) return message;
  return registry.read(message, { tenant: "t", received: 1, origin: "http", fallbackId: null, newId: () => "made" });
}

const DATA = { device_type: "GaN-HEMT", processing_time_ms: 1500, file_size_mb: 2.5 };

describe("the documents shape", () => {
  it("reads an envelope in the body, and keeps the service beside the data", () => {
    expect(
      take({ event_type: "document_processed", event_data: DATA, service_name: "pdf-service", user_id: "u1" }),
    ).toMatchObject({
      event: {
        id: "made",
        type: "document_processed",
        time: 1,
        user: "u1",
        properties: JSON.stringify({ ...DATA, _service_name: "pdf-service" }),
      },
    });
  });

  it.each([
    {
      event_type: "processing_error",
      event_data: { error_type: "ocr_failure", error_message: "Text extraction failed" },
    },
    {
      event_type: "spice_model_generated",
      event_data: { device_type: "SiC-MOSFET", model_complexity: "advanced", parameters_extracted: 25 },
    },
    { event_type: "service_startup", event_data: { service: "data-analytics" } },
  ])("takes $event_type in", (body) => {
    expect(take(body)).toMatchObject({
      event: { type: body.event_type, user: null, properties: JSON.stringify(body.event_data) },
    });
  });

  it("takes the query for the envelope when the body has no type", () => {
    const hints = { event_type: "document_processed", service_name: "pdf-service", user_id: "u1" };
    expect(take(DATA, hints)).toEqual(take({ ...hints, event_data: DATA }));
    expect(take(null, hints)).toMatchObject({ event: { properties: '{"_service_name":"pdf-service"}' } });
  });

  it("lets the body win over the query", () => {
    expect(take({ event_type: "error" }, { event_type: "document_processed", user_id: "u2" })).toMatchObject({
      event: { type: "error", user: null },
    });
  });

  it("takes missing data for none, and a timestamp where there is one", () => {
    expect(take({ event_type: "processing_time", timestamp: "2025-08-04 09:59:00" })).toMatchObject({
      event: { properties: "{}", time: Date.UTC(2025, 7, 4, 9, 59) },
    });
    expect(take({ event_type: "processing_time", event_data: null })).toMatchObject({ event: { properties: "{}" } });
  });

  it("says what is wrong, and where", () => {
    expect(take({ event_data: {} })).toMatchObject({
      kind: "missing_event_type",
      faults: [{ path: ["event_type"], type: "missing" }],
    });
    expect(take({ event_type: "error", event_data: [], user_id: {} })).toMatchObject({
      kind: "validation",
      eventType: "error",
      faults: [
        { path: ["event_data"], type: "dict_type" },
        { path: ["user_id"], type: "string_type" },
      ],
    });
    expect(take({ event_type: "document_processed", event_data: { processing_time_ms: "long" } })).toMatchObject({
      faults: [{ path: ["event_data", "processing_time_ms"], type: "type" }],
    });
    expect(take({ processing_time_ms: "long" }, { event_type: "document_processed" })).toMatchObject({
      faults: [{ path: ["processing_time_ms"], type: "type" }],
    });
    expect(take({ event_type: "error", timestamp: "now" })).toMatchObject({
      faults: [{ path: ["timestamp"], type: "time" }],
    });
    expect(take(undefined)).toMatchObject({ kind: "json_decode" });
    expect(take([])).toMatchObject({ kind: "validation" });
  });
});
