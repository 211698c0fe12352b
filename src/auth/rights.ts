import { createHash } from "node:crypto";
import type { Principal } from "../domain/access/scope.js";
import type { Standing } from "./standing.js";

/** Names of what principals may see: two with the same name may be given the same answer. */
export class Rights {
  /** By what a token or key was read as, which is the same object for as long as it is remembered. */
  #names = new WeakMap<Principal, string>();
  #epoch: bigint | undefined;

  constructor(readonly standing: Standing) {}

  of(principal: Principal): string {
    // Fleets move between tenants, and roles change: what was named before is another thing now.
    if (this.#epoch !== this.standing.epoch) {
      this.#epoch = this.standing.epoch;
      this.#names = new WeakMap();
    }
    const known = this.#names.get(principal);
    if (known !== undefined) return known;
    const { tenantId, role, permissions, vehicleIds, fleetIds, areas } = principal;
    const lists = [permissions, vehicleIds, fleetIds, areas ?? ["*"]].map((list) => [...list].sort());
    const text = JSON.stringify([String(this.#epoch), tenantId, role, ...lists]);
    const name = createHash("sha256").update(text).digest("base64url");
    this.#names.set(principal, name);
    return name;
  }
}
