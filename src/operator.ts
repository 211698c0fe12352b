import { type AuditVerdict, NO_REQUEST, verifyTrail } from "./audit/index.js";
import { type NewAccount, systemActor } from "./auth/index.js";
import { systemClock } from "./base/clock.js";
import type { Core } from "./core.js";
import type { DeadLetterFilter, StoredDeadLetter } from "./db/index.js";
import { DEFAULT_TENANT } from "./domain/access/scope.js";
import { ndjsonMessages, type Replayed, replayDeadLetters, SHAPES } from "./events/index.js";

/**
 * What whoever runs the gateway can have it do from the command line: with arguments and results that are plain JSON,
 * so that it can be asked for through a socket as well.
 */
export interface Operator {
  createAccount(account: NewAccount): Promise<{ id: string; username: string | null }>;
  deadLetters(query: {
    filter: DeadLetterFilter;
    limit: number;
  }): Promise<{ items: readonly StoredDeadLetter[]; total: number }>;
  deadLetter(id: string): Promise<StoredDeadLetter | null>;
  replayDeadLetters(filter: DeadLetterFilter): Promise<Replayed>;
  purgeDeadLetters(filter: DeadLetterFilter): Promise<number>;
  /** Verifies the whole audit trail. @param file another copy of the checkpoint file */
  verifyAudit(query: { file?: string | undefined }): Promise<AuditVerdict>;
  /** Takes in plain events, NDJSON; what is at fault goes to the dead letters. */
  ingest(lines: string): Promise<{ accepted: number; setAside: number }>;
}

/** Whom the audit trail names for what came from the command line. */
const BY = "cli";

export function createOperator(core: Core): Operator {
  const { events, letters, userAdmin, audit } = core;
  const record = (action: string, details: Record<string, unknown>) =>
    audit.record({
      ...NO_REQUEST,
      tenantId: DEFAULT_TENANT,
      userId: BY,
      role: null,
      action,
      resource: "dead-letters",
      details,
      source: "user",
    });
  return {
    createAccount: async (account) => {
      const { id, username } = await userAdmin.create(systemActor(DEFAULT_TENANT, BY), account);
      return { id, username };
    },
    deadLetters: ({ filter, limit }) => letters.page(DEFAULT_TENANT, filter, limit),
    deadLetter: (id) => letters.get(DEFAULT_TENANT, id),
    replayDeadLetters: (filter) =>
      replayDeadLetters({
        engine: events,
        letters,
        tenant: DEFAULT_TENANT,
        filter,
        clock: systemClock,
        record: () => record("deadLetters.replay", { filter }),
      }),
    purgeDeadLetters: (filter) => letters.purge(DEFAULT_TENANT, filter, record("deadLetters.purge", { filter })),
    verifyAudit: async ({ file }) => {
      await audit.flush();
      const { checkpoints, key } = core.checkpointer.options;
      return verifyTrail({ trail: checkpoints, key, ...(await core.checkpointer.read(file)) });
    },
    ingest: async (lines) => {
      const { accepted, setAside } = await events.intake.accept({
        tenant: DEFAULT_TENANT,
        shape: SHAPES.plain,
        messages: ndjsonMessages(lines, "load"),
        onFault: "set-aside",
      });
      return { accepted, setAside: setAside.length };
    },
  };
}
