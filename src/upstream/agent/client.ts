import type { Decision } from "../../domain/fleet/records.js";
import type { Loaded } from "../cache.js";
import type { Service } from "../http.js";
import { fetchList } from "../lists.js";
import { decisionShape } from "./shapes.js";

/** The agent service: what its agents decided about a vehicle. */
export class AgentClient {
  constructor(readonly service: Service) {}

  async decisions(vehicleId: string): Promise<Loaded<Decision[]>> {
    const path = `/api/v1/agents/decisions/${encodeURIComponent(vehicleId)}`;
    return (await fetchList(this.service, path, {}, decisionShape, (d) => d.id)) ?? { value: [], bytes: 0 };
  }
}
