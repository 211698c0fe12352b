import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HOUR } from "../src/base/clock.js";
import { SERVICE_NAMES } from "../src/upstream/index.js";
import { type Gateway, startGateway } from "./support/gateway.js";

const urls = Object.fromEntries(SERVICE_NAMES.map((name) => [name, "http://127.0.0.1:9"]));

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({ urls } as never);
});
afterAll(() => gateway?.stop());

const chart = (name: string, query = "") => gateway.get(`/api/analytics/visualizations/${name}${query}`, "EXECUTIVE");
const track = (event_type: string, event_data: object, service_name = "pdf-service") =>
  gateway.send("POST", "/api/analytics/track", {
    ...{ event_type, event_data, service_name, user_id: "u1" },
    timestamp: new Date(Date.now() - HOUR).toISOString(),
  });

describe("visualizations of the documents contract", () => {
  const NOTHING = "<p>No data available for visualization</p>";

  it.each([
    "processing_timeline",
    "error_analysis",
    "device_distribution",
    "performance_metrics",
  ])("%s says so before there is anything", async (name) => {
    expect(await chart(name)).toMatchObject({ status: 200, body: { html: NOTHING } });
  });

  it("are drawn from what was tracked", async () => {
    for (let i = 0; i < 9; i++) await track("document_processed", { processing_time_ms: 100 });
    await track("processing_error", { error_type: "ocr_failure" });
    await track("error", { error_type: "ocr_failure" });
    await track("error", { error_type: "timeout" }, "spice-service");
    await track("spice_model_generated", { device_type: "SiC-MOSFET" });

    const timeline = await chart("processing_timeline", "?time_range=1d");
    expect(timeline.status).toBe(200);
    expect(timeline.body.html).toMatch(/^<figure[^>]*><svg role="img"/);
    expect(timeline.body.svg).toContain("<title>Processing Activity Timeline</title>");
    expect(timeline.body.chart).toMatchObject({ type: "LINE", title: "Processing Activity Timeline" });
    const processed = timeline.body.chart.series.find(({ name }: { name: string }) => name === "document_processed");
    expect(processed.values.reduce((sum: number, value: number) => sum + value, 0)).toBe(9);

    const { body: errors } = await chart("error_analysis");
    expect(errors.chart).toMatchObject({ type: "BAR", title: "Error Analysis by Type and Service" });
    const cells = errors.chart.series.flatMap(({ name, values }: { name: string; values: number[] }) =>
      values.map((value, i) => [errors.chart.categories[i], name, value]),
    );
    expect(cells).toContainEqual(["timeout", "spice-service", 1]);
    expect(cells).toContainEqual(["timeout", "pdf-service", 0]);

    const { body: devices } = await chart("device_distribution");
    expect(devices.chart.parts).toEqual([{ name: "SiC-MOSFET", value: 1 }]);
    const { body: performance } = await chart("performance_metrics");
    // Nine documents, and three errors of either type.
    expect(performance.chart).toMatchObject({ type: "GAUGE", value: 66.67, unit: "%" });
  });

  it("answers 400 for a chart that is none, and 422 for a time range that is none", async () => {
    expect(await chart("constructor")).toMatchObject({
      status: 400,
      body: { code: "BAD_REQUEST", detail: "Unknown chart type: constructor" },
    });
    expect((await chart("error_analysis", "?time_range=soon")).status).toBe(422);
  });
});

describe("charts of answers", () => {
  const ask = async (type: string, more = "") => {
    const { body } = await gateway.graphql(
      `{ metrics(ids: ["events.events"], granularity: DAY, groupBy: ["type"]) { series { group total { value } }
         chart(type: ${type}) { type title description empty data ${more} } } }`,
    );
    return body;
  };

  it.each([
    "LINE",
    "AREA",
    "BAR",
    "STACKED_BAR",
    "PIE",
    "GAUGE",
    "HEAT_MAP",
    "TABLE",
  ])("metrics are drawn as %s, with the numbers that are told beside them", async (type) => {
    const { data } = await ask(type, "option(theme: DARK) svg png");
    expect(data.metrics.chart).toMatchObject({ type, empty: false });
    expect(data.metrics.chart.option.title.text).toBe(data.metrics.chart.title);
    expect(Buffer.from(data.metrics.chart.png, "base64").subarray(1, 4).toString()).toBe("PNG");
    expect(data.metrics.chart.svg).toContain(data.metrics.chart.title);
  });

  it("have the values of the answer", async () => {
    const { data } = await ask("PIE");
    const told = data.metrics.series.map(({ group, total }: { group: string[]; total: { value: number } }) => ({
      name: group[0],
      value: total.value,
    }));
    expect(data.metrics.chart.data.parts).toEqual(told);
    expect(told.length).toBeGreaterThan(2);
  });

  it("refuse what metrics cannot be drawn as, and sizes that nobody means", async () => {
    expect((await ask("MAP")).errors[0]).toMatchObject({ extensions: { code: "BAD_USER_INPUT", field: "type" } });
    const { errors } = await ask("LINE", "svg(width: 99)");
    expect(errors[0].message).toBe("width must be from 100 to 4000 pixels, got 99");
  });

  it("draw funnels, cohorts, lifecycle and places", async () => {
    const { body } = await gateway.graphql(`{ insights {
      funnel(steps: [{ types: ["document_processed"] }, { types: ["error"] }]) { chart(title: "Errors after") { type title data } }
      cohorts(period: DAY, periods: 3) { chart { type data svg } }
      lifecycle(granularity: DAY) { chart { type data } }
      geography(level: CITY) { chart { type empty } } } }`);
    expect(body.errors).toBeUndefined();
    const { funnel, cohorts, lifecycle, geography } = body.data.insights;
    expect(funnel.chart).toMatchObject({ type: "FUNNEL", title: "Errors after" });
    expect(funnel.chart.data.parts.map(({ value }: { value: number }) => value)).toEqual([1, 1]);
    expect(cohorts.chart.type).toBe("COHORT_MATRIX");
    expect(lifecycle.chart.data.series.map(({ name }: { name: string }) => name)).toContain("new");
    expect(geography.chart).toEqual({ type: "MAP", empty: true });
  });
});
