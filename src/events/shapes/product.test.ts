import { describe, expect, it } from "vitest";
import { EVENT_TYPES, EventRegistry } from "../registry/index.js";
import { productShape } from "./product.js";
import { isRefused } from "./shape.js";

const registry = new EventRegistry(EVENT_TYPES, { unknown: "accept" });

function take(value: unknown) {
  const message = productShape.read({ value, fallbackId: null, origin: "http" });
  if (isRefused(message)) return message;
  return registry.read(message, { tenant: "t", received: 1, origin: "http", fallbackId: null, newId: () => "made" });
}

const VIEW = {
  ts: "2024-01-01T12:00:00Z",
  user_id: "user-123",
  type: "page_view",
  src: "web_app",
  payload: { page: "/dashboard", referrer: "/login", session_id: "sess-456" },
};
const CLICK = {
  ts: "2024-01-01T12:01:00Z",
  user_id: "user-123",
  type: "button_click",
  src: "web_app",
  payload: { button_id: "save_profile" },
};

describe("the product shape", () => {
  it("takes behaviour in, and keeps where it came from beside the payload", () => {
    expect(take(VIEW)).toMatchObject({
      event: {
        id: "made",
        type: "page_view",
        time: Date.UTC(2024, 0, 1, 12),
        user: "user-123",
        session: "sess-456",
        subject: "/dashboard",
        properties: JSON.stringify({ ...VIEW.payload, _src: "web_app" }),
      },
    });
    expect(take(CLICK)).toMatchObject({ event: { subject: "save_profile", session: null } });
  });

  it.each([
    "2024-01-01T12:00:00",
    "2024-01-01",
    1_704_110_400,
    1_704_110_400_000,
    "1704110400",
  ])("takes %s for a time", (ts) => {
    expect(isRefused(take({ ...VIEW, ts }))).toBe(false);
  });

  it("takes any type, an own id, no source, fields that nobody knows and any payload", () => {
    expect(take({ ...VIEW, type: "view", src: null, event_id: "e1", extra: 1 })).toMatchObject({
      event: { id: "e1", type: "view", properties: JSON.stringify(VIEW.payload) },
    });
    expect(take({ ...VIEW, payload: { page: { deep: [1] }, session_id: 7, src: "a.mp4" } })).toMatchObject({
      event: {
        subject: null,
        session: "7",
        properties: '{"page":{"deep":[1]},"session_id":7,"src":"a.mp4","_src":"web_app"}',
      },
    });
    expect(isRefused(take({ ...VIEW, payload: { page: `/${"x".repeat(5000)}` } }))).toBe(false);
  });

  it.each(["ts", "user_id", "type", "payload"])("misses %s", (field) => {
    const { [field as "ts"]: _, ...rest } = VIEW;
    expect(take(rest)).toMatchObject({ faults: [{ path: [field], type: "missing", message: "Field required" }] });
  });

  it.each([
    [{ user_id: 7 }, "user_id", "string_type"],
    [{ user_id: null }, "user_id", "string_type"],
    [{ type: 7 }, "type", "string_type"],
    [{ type: "" }, "type", "string_too_short"],
    [{ src: 7 }, "src", "string_type"],
    [{ event_id: 7 }, "event_id", "string_type"],
    [{ ts: "lunchtime" }, "ts", "datetime_parsing"],
    [{ ts: "1066-10-14T09:00:00Z" }, "ts", "datetime_parsing"],
    [{ ts: null }, "ts", "datetime_type"],
    [{ ts: true }, "ts", "datetime_type"],
    [{ payload: null }, "payload", "dict_type"],
    [{ payload: [] }, "payload", "dict_type"],
    [{ user_id: "x".repeat(37) }, "user_id", "string_too_long"],
    [{ type: "x".repeat(51) }, "type", "string_too_long"],
    [{ src: "x".repeat(101) }, "src", "string_too_long"],
    [{ event_id: "x".repeat(513) }, "event_id", "string_too_long"],
    [{ user_id: "😀".repeat(37) }, "user_id", "string_too_long"],
  ])("refuses %j as %s, a %s", (change, field, type) => {
    expect(take({ ...VIEW, ...change })).toMatchObject({ kind: "validation", faults: [{ path: [field], type }] });
  });

  it("counts characters, not halves of them", () => {
    expect(take({ ...VIEW, user_id: "😀".repeat(36) })).toMatchObject({ event: { user: "😀".repeat(36) } });
  });

  it("tells every fault of an event", () => {
    expect(take({ ts: "x", user_id: 1 })).toMatchObject({
      kind: "missing_event_type",
      faults: [{ path: ["ts"] }, { path: ["user_id"] }, { path: ["type"] }, { path: ["payload"] }],
    });
    expect(take([])).toMatchObject({ faults: [{ path: [], type: "model_attributes_type" }] });
    expect(take(undefined)).toMatchObject({ kind: "json_decode", faults: [{ path: [], type: "json_invalid" }] });
  });
});
