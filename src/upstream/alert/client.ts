import { formatInstant, type TimeRange } from "../../base/time-range.js";
import { alertStatus } from "../../domain/fleet/alerts.js";
import type { Alert } from "../../domain/fleet/records.js";
import type { Loaded } from "../cache.js";
import { UpstreamError } from "../errors.js";
import type { Service } from "../http.js";
import { fetchList, type Query } from "../lists.js";
import { parseShape } from "../shapes.js";
import { alertShape } from "./shapes.js";

const ALERTS = "/api/v1/alerts";

/** The alert service. Its filters are undocumented, so whatever they let through is filtered again by the caller. */
export class AlertClient {
  constructor(readonly service: Service) {}

  /** Alerts created in the range, which is wide enough for the caller to cut from. */
  alerts(range: TimeRange): Promise<Loaded<Alert[]>> {
    return this.#list({ from: formatInstant(range.start), to: formatInstant(range.end) });
  }

  /** Alerts that nobody has acknowledged or resolved, of any age. */
  async openAlerts(): Promise<Loaded<Alert[]>> {
    const list = await this.#list({ status: "open" });
    return { ...list, value: list.value.filter((alert) => alertStatus(alert) === "OPEN") };
  }

  async alert(id: string): Promise<Alert | null> {
    const { body } = await this.service.get(`${ALERTS}/${encodeURIComponent(id)}`);
    return body === undefined ? null : parseShape("alert", alertShape, body);
  }

  async ofVehicle(vehicleId: string): Promise<Loaded<Alert[]>> {
    const path = `${ALERTS}/vehicle/${encodeURIComponent(vehicleId)}`;
    return (await fetchList(this.service, path, {}, alertShape, (a) => a.id)) ?? { value: [], bytes: 0 };
  }

  /** Null when there is no such alert. */
  async change(id: string, action: "acknowledge" | "resolve", userId: string): Promise<Alert | null> {
    const path = `${ALERTS}/${encodeURIComponent(id)}/${action}`;
    const { body } = await this.service.send("POST", path, { user_id: userId });
    return body === undefined ? null : parseShape("alert", alertShape, body);
  }

  async #list(query: Query): Promise<Loaded<Alert[]>> {
    const list = await fetchList(this.service, ALERTS, query, alertShape, (a) => a.id);
    if (list) return list;
    throw new UpstreamError("UPSTREAM_UNAVAILABLE", "alert", `has no alert list (GET ${ALERTS} answers 404)`);
  }
}
