import { formatInstant, type TimeRange } from "../../base/time-range.js";
import type { Claim, WarrantyCoverage } from "../../domain/fleet/records.js";
import type { Loaded } from "../cache.js";
import type { Service } from "../http.js";
import { BulkForm, type BulkSetting, fetchList } from "../lists.js";
import { parseShape } from "../shapes.js";
import { claimShape, coverageShape } from "./shapes.js";

/** The warranty service: claims and what a vehicle's warranty covers. */
export class WarrantyClient {
  readonly bulk: BulkForm;
  constructor(
    readonly service: Service,
    bulk: BulkSetting,
  ) {
    this.bulk = new BulkForm("warranty", bulk);
  }

  /** Claims submitted in the range. Null: the service has no list, each vehicle must be asked. */
  claims(range: TimeRange): Promise<Loaded<Claim[]> | null> {
    const query = { from: formatInstant(range.start), to: formatInstant(range.end) };
    return this.bulk.attempt(() => fetchList(this.service, "/api/v1/claims", query, claimShape, (c) => c.id));
  }

  async ofVehicle(vehicleId: string): Promise<Loaded<Claim[]>> {
    const path = `/api/v1/claims/vehicle/${encodeURIComponent(vehicleId)}`;
    return (await fetchList(this.service, path, {}, claimShape, (c) => c.id)) ?? { value: [], bytes: 0 };
  }

  async coverage(vehicleId: string): Promise<Loaded<WarrantyCoverage | null>> {
    const { body, bytes } = await this.service.get(`/api/v1/warranty/${encodeURIComponent(vehicleId)}/check`);
    return { value: body === undefined ? null : { vehicleId, ...parseShape("warranty", coverageShape, body) }, bytes };
  }
}
