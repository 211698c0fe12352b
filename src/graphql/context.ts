import type { AuditLog } from "../audit/index.js";
import type { Accounts } from "../auth/index.js";
import { PublicError } from "../base/errors.js";
import type { Principal } from "../domain/access/scope.js";
import type { FleetChanges, Viewer } from "../fleet/index.js";

/** What is the same for every request. */
export interface Services {
  readonly accounts: Accounts;
  readonly audit: AuditLog;
  readonly changes: FleetChanges;
  readonly newViewer: (principal: Principal) => Viewer;
  readonly defaultTenant: string;
  readonly version: string;
}

/** One request: who asks, and what was made for it. */
export interface Context {
  readonly services: Services;
  readonly principal: Principal | null;
  /** @throws PublicError UNAUTHENTICATED */
  readonly viewer: Viewer;
  /** Filled while executing, for the request's audit entry. */
  readonly auditDetails: Record<string, unknown>;
  /** True once a viewer was needed: only then has the fleet been read. */
  readonly hasRead: boolean;
}

export function newContext(services: Services, principal: Principal | null): Context {
  let viewer: Viewer | undefined;
  return {
    services,
    principal,
    auditDetails: {},
    get viewer() {
      if (!principal) throw new PublicError("UNAUTHENTICATED", "Not signed in: send Authorization: Bearer <token>");
      viewer ??= services.newViewer(principal);
      return viewer;
    },
    get hasRead() {
      return viewer !== undefined;
    },
  };
}
