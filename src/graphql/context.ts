import type { Analytics } from "../analytics/index.js";
import type { AuditLog } from "../audit/index.js";
import {
  type Accounts,
  type ApiKeyAdmin,
  type Client,
  NO_CLIENT,
  type TenantAdmin,
  type UserAdmin,
} from "../auth/index.js";
import { PublicError } from "../base/errors.js";
import type { Charts } from "../charts/index.js";
import type { DeadLetters, Members } from "../db/index.js";
import type { Principal } from "../domain/access/scope.js";
import type { Erasure, EventEngine } from "../events/index.js";
import type { FleetChanges, Viewer } from "../fleet/index.js";
import type { Jobs } from "../jobs/index.js";
import type { Rendering } from "./text-operations.js";

/** What is the same for every request. */
export interface Services {
  readonly accounts: Accounts;
  readonly members: Members;
  readonly userAdmin: UserAdmin;
  readonly tenantAdmin: TenantAdmin;
  readonly apiKeyAdmin: ApiKeyAdmin;
  readonly audit: AuditLog;
  readonly changes: FleetChanges;
  readonly newViewer: (principal: Principal) => Viewer;
  readonly events: EventEngine;
  readonly analytics: Analytics;
  readonly charts: Charts;
  readonly letters: DeadLetters;
  readonly jobs: Jobs;
  readonly erasure: Erasure;
  /** For types without days of their own; null: for ever. */
  readonly eventRetentionDays: number | null;
  readonly defaultTenant: string;
  readonly version: string;
}

/** One request: who asks, and what was made for it. */
export class Context {
  /** Filled while executing, for the request's audit entry. */
  readonly auditDetails: Record<string, unknown> = {};
  // Shared by copies: Apollo Server clones contexts, and a clone must not read the fleet with loaders of its own.
  readonly made: { viewer?: Viewer; failed?: boolean; rendering?: Rendering } = {};

  constructor(
    readonly services: Services,
    readonly principal: Principal | null,
    /** From where. */
    readonly client: Client = NO_CLIENT,
  ) {}

  /** @throws PublicError UNAUTHENTICATED */
  get viewer(): Viewer {
    if (!this.principal) {
      throw new PublicError("UNAUTHENTICATED", "Not signed in: send Authorization: Bearer <token>");
    }
    this.made.viewer ??= this.services.newViewer(this.principal);
    return this.made.viewer;
  }
}
