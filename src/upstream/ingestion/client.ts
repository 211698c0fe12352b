import type { Telemetry, Vehicle } from "../../domain/fleet/records.js";
import type { Loaded } from "../cache.js";
import { UpstreamError } from "../errors.js";
import type { Service } from "../http.js";
import { fetchList } from "../lists.js";
import { parseShape } from "../shapes.js";
import { telemetryShape, vehicleShape } from "./shapes.js";

const VEHICLES = "/api/v1/vehicles";

/** The ingestion service: which vehicles there are, and their latest telemetry. */
export class IngestionClient {
  constructor(readonly service: Service) {}

  /** Every vehicle of the tenant. */
  async vehicles(): Promise<Loaded<Vehicle[]>> {
    const list = await fetchList(this.service, VEHICLES, {}, vehicleShape, (v) => v.id);
    if (list) return list;
    throw new UpstreamError("UPSTREAM_UNAVAILABLE", "ingestion", `has no vehicle list (GET ${VEHICLES} answers 404)`);
  }

  async vehicle(id: string): Promise<Loaded<Vehicle | null>> {
    const { body, bytes } = await this.service.get(`${VEHICLES}/${encodeURIComponent(id)}`);
    return { value: body === undefined ? null : parseShape("ingestion", vehicleShape, body), bytes };
  }

  async telemetry(vehicleId: string): Promise<Loaded<Telemetry | null>> {
    const { body, bytes } = await this.service.get(`${VEHICLES}/${encodeURIComponent(vehicleId)}/latest`);
    return { value: body === undefined ? null : parseShape("ingestion", telemetryShape, body), bytes };
  }
}
