import { createHash, randomUUID } from "node:crypto";
import type { Clock } from "../base/clock.js";
import {
  type AuditEntries,
  type AuditRecord,
  type DeadLetters,
  ensureTenants,
  inTransaction,
  type Transaction,
} from "../db/index.js";
import { anonymiseUser } from "./anonymise.js";
import type { EventStore } from "./store/store.js";
import { systemRecord } from "./system-record.js";
import type { Work } from "./work.js";

export const ERASURE_JOB = "events.erasure";
/**
 * For the definition of the job: an erasure is tried for days before it counts as failed, and the id of the person
 * goes from the job itself once everything else is gone.
 */
export const ERASURE_JOB_OPTIONS = { maxAttempts: 100, forgetPayload: true } as const;

/** A place that holds what belongs to a person. */
export interface Erasable {
  /** For the proof: `exports`, `saved reports`. */
  readonly name: string;
  /** Deletes everything of the user; repeating it does no harm. @returns how much */
  erase(tenant: string, user: string): Promise<number>;
}

export interface ErasureRequest {
  readonly tenant: string;
  /** As it stands in events. */
  readonly user: string;
  /** Names the request: the same one twice is carried out once. Default: a new one. */
  readonly request?: string;
  /** Who asks for it, as the audit trail will tell. */
  readonly requestedBy: Pick<AuditRecord, "userId" | "role" | "method" | "status" | "ip" | "userAgent">;
}

export interface ErasureProgress {
  /** Parts that are done, with how much each deleted. */
  readonly counts: Readonly<Record<string, number>>;
  /** Parts that a crash fell into: their counts may lack what was deleted before it. */
  readonly interrupted: readonly string[];
  readonly begun: string | null;
}

interface Payload {
  readonly tenant: string;
  readonly user: string;
  readonly requestedBy: string | null;
}

/** The part of the jobs that this needs. */
export interface ErasureQueue {
  enqueue(
    kind: string,
    key: string,
    payload: unknown,
    options: { readonly tenant: string; readonly within: Transaction },
  ): Promise<{ readonly id: string; readonly created: boolean }>;
}

export interface ErasureOptions {
  /** Emptied before the store: what waits in it would come into the store afterwards. */
  readonly before: readonly Erasable[];
  readonly store: Pick<EventStore, "eraseUser">;
  readonly deadLetters: Pick<DeadLetters, "erase">;
  /** Made from what the store holds, and so emptied after it: exports, saved reports. */
  readonly after: readonly Erasable[];
  readonly audit: AuditEntries;
  readonly clock: Clock;
  /** Keys the proof: whoever has it can show that an id was erased, nobody else can tell whose entry it is. */
  readonly secret: string;
  /** Other ids that the same user has in events: the stand-in where events are anonymised on arrival. */
  readonly aliases?: (user: string) => readonly string[];
  /** One write to the store at a time, where several processes share it. */
  readonly exclusively?: <T>(write: () => Promise<T>) => Promise<T>;
}

/**
 * Erasing everything of a person: asked for once, carried out as durable work. What arrives for the same id once a part
 * has been emptied is new data, and stays until it is asked for anew.
 */
export class Erasure {
  constructor(readonly options: ErasureOptions) {}

  /**
   * Queues the erasure, together with the audit entry that tells who asked for it.
   * @returns id of the job
   */
  eraseSubject(queue: ErasureQueue, request: ErasureRequest): Promise<string> {
    const { tenant, user, requestedBy } = request;
    const { audit, clock } = this.options;
    const subject = this.#proof(tenant, user);
    // No id in the key: keys are logged, and kept longer than the payload.
    const key = createHash("sha256")
      .update(JSON.stringify([tenant, subject, request.request ?? randomUUID()]))
      .digest("hex");
    return inTransaction(audit.prisma, async (transaction) => {
      const payload: Payload = { tenant, user, requestedBy: requestedBy.userId };
      const { id, created } = await queue.enqueue(ERASURE_JOB, key, payload, { tenant, within: transaction });
      if (created) {
        await ensureTenants(transaction, [tenant]);
        const entry = systemRecord(tenant, clock(), "subject.erasure.requested", `erasures/${id}`, { subject });
        await audit.enqueue(transaction, { ...entry, ...requestedBy });
      }
      return id;
    });
  }

  /** Carries it out: to be defined as the handler of `ERASURE_JOB`. */
  readonly handle = async (work: Work<Payload, ErasureProgress>): Promise<void> => {
    const { tenant, user, requestedBy } = work.job.payload;
    const { audit, clock, aliases } = this.options;
    const names = [user, ...(aliases?.(user) ?? [])];
    let progress = work.job.progress ?? { counts: {}, interrupted: [], begun: null };
    for (const part of this.#parts()) {
      if (Object.hasOwn(progress.counts, part.name)) continue;
      work.signal.throwIfAborted();
      progress = await erasePart(work, progress, part, tenant, names);
    }
    const { counts: deleted, interrupted } = progress;
    const details = { subject: this.#proof(tenant, user), deleted, ...(interrupted.length > 0 && { interrupted }) };
    const entry = systemRecord(tenant, clock(), "subject.erased", `erasures/${work.job.id}`, details);
    await work.finish({ deleted }, async (transaction) => {
      await ensureTenants(transaction, [tenant]);
      await audit.enqueue(transaction, { ...entry, userId: requestedBy });
    });
  };

  #parts(): Erasable[] {
    const { before, after, store, deadLetters, exclusively = (write) => write() } = this.options;
    return [
      ...before,
      { name: "events", erase: (tenant, user) => exclusively(() => store.eraseUser(tenant, user)) },
      { name: "dead letters", erase: (tenant, user) => deadLetters.erase(tenant, user) },
      ...after,
    ];
  }

  /** Stands for the person in the audit trail. Of the tenant as well: one id in two tenants is two people. */
  #proof(tenant: string, user: string): string {
    return anonymiseUser(JSON.stringify([tenant, user]), this.options.secret);
  }
}

async function erasePart(
  work: Work<Payload, ErasureProgress>,
  progress: ErasureProgress,
  part: Erasable,
  tenant: string,
  names: readonly string[],
): Promise<ErasureProgress> {
  const again = progress.begun === part.name;
  const interrupted = again ? [...progress.interrupted, part.name] : progress.interrupted;
  await work.progress({ ...progress, interrupted, begun: part.name });
  let count = 0;
  for (const name of names) count += await part.erase(tenant, name);
  const done = { counts: { ...progress.counts, [part.name]: count }, interrupted, begun: null };
  await work.progress(done);
  return done;
}
