import { DAY } from "../../base/clock.js";
import { PublicError } from "../../base/errors.js";
import type { Resolvers } from "../generated.js";

const MAX_LIMIT = 1000;

/** The trail, read back after whatever still waits has been written: one's own last request is in it. */
export const auditResolvers = {
  Query: {
    auditLog: async (_, { filter, limit: asked, offset: skip }, { viewer, services }) => {
      const [limit, offset] = [asked ?? 100, skip ?? 0];
      assertPage(limit, offset);
      await services.audit.flush();
      const { from, to, source, ...conditions } = filter ?? {};
      const query = {
        ...conditions,
        source: source === "EVENT" ? ("event" as const) : source === "USER" ? ("user" as const) : null,
        from: from ? Date.parse(from) : null,
        to: to ? Date.parse(to) + (to.length === 10 ? DAY : 0) : null,
      };
      const { items, total } = await services.audit.entries.page(viewer.scope.tenantId, query, limit, offset);
      return { items, total, limit, offset };
    },
    userActivity: async (_, { userId, limit: asked }, { viewer, services }) => {
      const limit = asked ?? 100;
      assertPage(limit, 0);
      await services.audit.flush();
      const { tenantId } = viewer.scope;
      const [summary, { items }] = await Promise.all([
        services.audit.entries.summary(tenantId, userId),
        services.audit.entries.page(tenantId, { userId }, limit, 0),
      ]);
      return { userId, summary, items };
    },
  },
  AuditEntry: {
    sequence: (entry) => Number(entry.seq),
    timestamp: (entry) => entry.timestamp.getTime(),
    actor: ({ userId, role }) => ({ userId, role }),
    details: (entry) => (entry.details ?? {}) as Record<string, unknown>,
    prevHash: ({ prevHash }) => hex(prevHash),
    hash: ({ hash }) => hex(hash),
  },
} satisfies Resolvers;

function hex(bytes: Uint8Array | null): string | null {
  return bytes && Buffer.from(bytes).toString("hex");
}

function assertPage(limit: number, offset: number): void {
  if (limit < 1 || limit > MAX_LIMIT) {
    throw new PublicError("BAD_USER_INPUT", `limit must be from 1 to ${MAX_LIMIT}, got ${limit}`, { field: "limit" });
  }
  if (offset < 0)
    throw new PublicError("BAD_USER_INPUT", `offset must not be negative, got ${offset}`, { field: "offset" });
}
