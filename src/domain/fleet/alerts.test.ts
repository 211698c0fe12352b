import { describe, expect, it } from "vitest";
import { HOUR, MINUTE } from "../../base/clock.js";
import {
  alertFatigue,
  alertFigures,
  alertStatus,
  countBySeverity,
  isCritical,
  newestFirst,
  worstFirst,
} from "./alerts.js";
import { type Alert, SEVERITIES } from "./records.js";

const AT = Date.parse("2026-01-28T22:00:00Z");

function alert(change: Partial<Alert> = {}): Alert {
  return {
    id: "A",
    vehicleId: "V1",
    severity: "WARNING",
    title: "",
    message: null,
    createdAt: AT,
    acknowledgedAt: null,
    resolvedAt: null,
    component: null,
    recipients: [],
    metadata: {},
    ...change,
  };
}

describe("status of an alert", () => {
  it("follows from what happened to it; resolved wins even when nobody acknowledged", () => {
    expect(alertStatus(alert())).toBe("OPEN");
    expect(alertStatus(alert({ acknowledgedAt: AT }))).toBe("ACKNOWLEDGED");
    expect(alertStatus(alert({ acknowledgedAt: AT, resolvedAt: AT }))).toBe("RESOLVED");
    expect(alertStatus(alert({ resolvedAt: AT }))).toBe("RESOLVED");
  });

  it("calls CRITICAL and EMERGENCY critical", () => {
    expect(SEVERITIES.map((severity) => isCritical(alert({ severity })))).toEqual([false, false, true, true]);
  });
});

describe("order of alerts", () => {
  const alerts = [
    alert({ id: "b" }),
    alert({ id: "a" }),
    alert({ id: "old", createdAt: AT - 1, severity: "EMERGENCY" }),
    alert({ id: "new", createdAt: AT + 1, severity: "INFO" }),
  ];

  it("is newest first, ties by id", () => {
    expect([...alerts].sort(newestFirst).map((a) => a.id)).toEqual(["new", "a", "b", "old"]);
  });

  it("is by severity first where the worst is asked for", () => {
    expect([...alerts].sort(worstFirst).map((a) => a.id)).toEqual(["old", "a", "b", "new"]);
  });
});

describe("alert figures", () => {
  it("have zeros and no means without alerts", () => {
    expect(alertFigures([])).toEqual({
      totalAlerts: 0,
      bySeverity: { info: 0, warning: 0, critical: 0, emergency: 0 },
      open: 0,
      acknowledged: 0,
      resolved: 0,
      acknowledgedPct: null,
      avgAcknowledgmentMinutes: null,
      avgResolutionMinutes: null,
    });
  });

  it("average over the acknowledged and the resolved only", () => {
    const figures = alertFigures([
      alert({ acknowledgedAt: AT + 10 * MINUTE }),
      alert({ acknowledgedAt: AT + 25 * MINUTE, resolvedAt: AT + 2 * HOUR }),
      alert({ resolvedAt: AT + HOUR }),
      alert({ severity: "EMERGENCY" }),
    ]);
    expect(figures).toMatchObject({
      totalAlerts: 4,
      open: 1,
      acknowledged: 2,
      resolved: 2,
      acknowledgedPct: 50,
      avgAcknowledgmentMinutes: 17.5,
      avgResolutionMinutes: 90,
    });
  });

  it("count every severity", () => {
    const alerts = SEVERITIES.flatMap((severity, i) => Array.from({ length: i + 1 }, () => alert({ severity })));
    expect(countBySeverity(alerts)).toEqual({ info: 1, warning: 2, critical: 3, emergency: 4 });
  });
});

describe("alert fatigue", () => {
  const inHour = (hour: number, count: number): Alert[] =>
    Array.from({ length: count }, (_, i) => alert({ createdAt: AT + hour * HOUR + i }));

  it("is the busiest clock hour's alerts per vehicle over three", () => {
    expect(alertFatigue([...inHour(0, 2), ...inHour(1, 3)], 4)).toBe(0.25);
  });

  it("counts clock hours, not any sixty minutes", () => {
    expect(alertFatigue([alert({ createdAt: AT - 1 }), alert({ createdAt: AT })], 1)).toBe(0.3333);
  });

  it("never exceeds 1", () => {
    expect(alertFatigue(inHour(0, 50), 2)).toBe(1);
  });

  it("is 0 without alerts, and unknown when the vehicles are", () => {
    expect(alertFatigue([], null)).toBe(0);
    expect(alertFatigue(inHour(0, 1), null)).toBeNull();
    expect(alertFatigue(inHour(0, 1), 0)).toBeNull();
  });
});
