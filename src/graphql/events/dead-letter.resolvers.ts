import { type AuditLog, NO_REQUEST } from "../../audit/index.js";
import { systemClock } from "../../base/clock.js";
import type { AuditRecord } from "../../db/index.js";
import { ERASURE_JOB, replayDeadLetters } from "../../events/index.js";
import type { Viewer } from "../../fleet/index.js";
import { pageOf } from "../connection.js";
import type { DeadLetterFilter as FilterInput, Resolvers } from "../generated.js";

export const deadLetterResolvers = {
  Query: {
    deadLetters: async (_, { filter, state, ...args }, { viewer, services }) => {
      const page = pageOf(args);
      const [failedAt, id] = page.after ?? [];
      const { items, total } = await services.letters.page(
        viewer.scope.tenantId,
        { ...letterFilter(filter), state: state === "REPLAYED" ? "replayed" : "waiting" },
        page.first + 1,
        typeof failedAt === "number" && id !== undefined ? { failedAt, id } : null,
      );
      return { ...page.connect(items, (letter) => [letter.failedAt, letter.id]), totalCount: total };
    },
    deadLetter: (_, { id }, { viewer, services }) => services.letters.get(viewer.scope.tenantId, id),
    erasure: async (_, { id }, { viewer, services }) => {
      const job = await services.jobs.get(id);
      return job?.tenant === viewer.scope.tenantId && job.kind === ERASURE_JOB ? job : null;
    },
  },
  Mutation: {
    deadLettersReplay: async (_, { input }, { viewer, services }) => {
      const filter = letterFilter(input.filter);
      const { replayed, failed } = await replayDeadLetters({
        engine: services.events,
        letters: services.letters,
        tenant: viewer.scope.tenantId,
        filter,
        clock: systemClock,
        record: () => recordOf(services.audit, viewer, "deadLetters.replay", { filter }),
      });
      return { replayed, failed, errors: [] };
    },
    deadLettersPurge: async (_, { input }, { viewer, services }) => {
      const filter = letterFilter(input.filter);
      const record = recordOf(services.audit, viewer, "deadLetters.purge", { filter });
      return { purged: await services.letters.purge(viewer.scope.tenantId, filter, record), errors: [] };
    },
    subjectErase: async (_, { input }, { viewer, services }) => {
      const { userId } = input;
      if (userId === "") {
        const message = "expected the id of a user, got empty text";
        return { erasure: null, errors: [{ code: "BAD_USER_INPUT" as const, message, field: "userId" }] };
      }
      const id = await services.erasure.eraseSubject(services.jobs, {
        tenant: viewer.scope.tenantId,
        user: userId,
        requestedBy: { ...NO_REQUEST, userId: viewer.principal.userId, role: viewer.principal.role },
      });
      return { erasure: await services.jobs.get(id), errors: [] };
    },
  },
  DeadLetter: {
    kind: ({ kind }) => kind.toUpperCase() as Uppercase<typeof kind>,
    faults: ({ faults }) => faults.map((fault) => ({ ...fault, path: fault.path.join(".") })),
    text: ({ raw }) => Buffer.from(raw, "base64").toString("utf8"),
    state: ({ state }) => state.toUpperCase() as Uppercase<typeof state>,
  },
  Erasure: {
    state: ({ state }) =>
      state === "cancelled" ? "FAILED" : (state.toUpperCase() as "WAITING" | "RUNNING" | "DONE" | "FAILED"),
    deleted: ({ result }) => (result as { deleted?: Record<string, number> } | null)?.deleted ?? null,
    requestedAt: ({ createdAt }) => createdAt,
  },
} satisfies Resolvers;

function letterFilter(filter: FilterInput | null | undefined) {
  const { kind, ...rest } = filter ?? {};
  return { ...rest, kind: kind?.toLowerCase() };
}

function recordOf(audit: AuditLog, viewer: Viewer, action: string, details: Record<string, unknown>): AuditRecord {
  return audit.record({
    ...NO_REQUEST,
    tenantId: viewer.scope.tenantId,
    userId: viewer.principal.userId,
    role: viewer.principal.role,
    action,
    resource: "dead-letters",
    details,
    source: "user",
  });
}
