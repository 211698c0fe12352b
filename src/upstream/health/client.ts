import type { Health, HealthHistoryPoint } from "../../domain/fleet/records.js";
import type { Loaded } from "../cache.js";
import { UpstreamError } from "../errors.js";
import type { Service } from "../http.js";
import { BulkForm, type BulkSetting, fetchList } from "../lists.js";
import { parseItems, parsePage, parseShape } from "../shapes.js";
import { healthShape, historyPointShape } from "./shapes.js";

const HEALTH = "/api/v1/health";

/** The health service: scores per vehicle and component, now and over the last 30 days. */
export class HealthClient {
  readonly bulk: BulkForm;
  constructor(
    readonly service: Service,
    bulk: BulkSetting,
  ) {
    this.bulk = new BulkForm("health", bulk);
  }

  /** Null when the vehicle has never reported. */
  async health(vehicleId: string): Promise<Loaded<Health | null>> {
    const { body, bytes } = await this.service.get(`${HEALTH}/${encodeURIComponent(vehicleId)}`);
    return { value: body === undefined ? null : parseShape("health", healthShape, body), bytes };
  }

  /** Several vehicles in one call; those missing from the answer have no record. Null: no bulk form here. */
  async healths(vehicleIds: readonly string[]): Promise<Map<string, Health> | null> {
    return this.bulk.attempt(async () => {
      const query = { vehicle_ids: vehicleIds.join(",") };
      const list = await fetchList(this.service, HEALTH, query, healthShape, (record) => record.vehicleId);
      if (list === null) return null;
      const asked = new Set(vehicleIds);
      const records = list.value;
      // An answer about other vehicles means that the filter was ignored: absence from it would prove nothing.
      if (records.some((record) => !asked.has(record.vehicleId))) {
        throw new UpstreamError("UPSTREAM_MALFORMED", "health", "bulk filter vehicle_ids is ignored");
      }
      return new Map(records.map((record) => [record.vehicleId, record]));
    });
  }

  async history(vehicleId: string): Promise<Loaded<HealthHistoryPoint[]>> {
    const { body, bytes } = await this.service.get(`${HEALTH}/${encodeURIComponent(vehicleId)}/history`);
    if (body === undefined) return { value: [], bytes };
    return { value: parseItems("health", historyPointShape, parsePage("health", body).items), bytes };
  }
}
