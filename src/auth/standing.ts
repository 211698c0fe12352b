import { createHash } from "node:crypto";
import { type Clock, MINUTE, SECOND } from "../base/clock.js";
import { PublicError } from "../base/errors.js";
import { type AccessRecords, type AccessSnapshot, membershipKey, type StoredApiKey } from "../db/index.js";
import { ALL, DEFAULT_TENANT, type Principal, type TenantFleets } from "../domain/access/scope.js";
import type { Logger } from "../ops/logs.js";

export interface StandingOptions {
  readonly records: AccessRecords;
  /** How long a token is good for at most, milliseconds: older changes concern no token any more. */
  readonly longestTokenMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What a token says of itself besides who its bearer is. */
export interface TokenMark {
  /** Session that it belongs to. */
  readonly sessionId: string | null;
  /** Version of the membership that it was given out for. */
  readonly version: number | null;
}

/** How long a change made by another replica may go unnoticed. */
const WATCH_EVERY_MS = SECOND;

/**
 * Who may still act, whatever their tokens say: changes made here count at once, those of other replicas within a
 * second. Kept in memory, so that requests need no database; while it is away, the last known standing holds.
 */
export class Standing {
  #known: AccessSnapshot | undefined;
  #fleets = new Map<string, TenantFleets>();
  #timer: NodeJS.Timeout | undefined;
  #usedKeys = new Set<string>();
  #noted = 0;

  constructor(readonly options: StandingOptions) {}

  async start(): Promise<void> {
    await this.refresh();
    this.#timer = setInterval(async () => {
      const { records, log } = this.options;
      try {
        if ((await records.epoch()) !== this.#known?.epoch) await this.refresh();
        await this.#noteUsedKeys();
      } catch (error) {
        log.warn({ error: String(error) }, "access cannot be read; what was known last stays in force");
      }
    }, WATCH_EVERY_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async refresh(): Promise<void> {
    const { records, longestTokenMs, clock } = this.options;
    const next = await records.snapshot(clock() - longestTokenMs);
    // Two at once may end in either order: the later state wins.
    if (this.#known && next.epoch < this.#known.epoch) return;
    this.#known = next;
    this.#fleets = new Map();
  }

  /** Counts changes of who may do what. */
  get epoch(): bigint {
    return this.#snapshot.epoch;
  }

  servesTenant(id: string): boolean {
    return this.#snapshot.tenants.has(id);
  }

  /** @throws PublicError UNAUTHENTICATED when the bearer may not act any more */
  assertGood(principal: Principal, { sessionId, version }: TokenMark): void {
    const known = this.#snapshot;
    const { userId, tenantId } = principal;
    if (known.disabledUsers.has(userId)) throw refused("this user is disabled");
    if (known.disabledTenants.has(tenantId)) throw refused("this tenant is disabled");
    if (sessionId !== null && known.revokedSessions.has(sessionId)) throw refused("this session has ended");
    const current = known.versions.get(membershipKey(userId, tenantId));
    if (version !== null && current !== undefined && version < current) {
      throw refused("what this user may do has changed since; sign in again");
    }
  }

  /** @throws PublicError UNAUTHENTICATED */
  apiKey(key: string): StoredApiKey {
    const found = this.#snapshot.apiKeys.get(createHash("sha256").update(key).digest("hex"));
    if (!found || found.expiresAt <= this.options.clock()) throw refused("there is no such API key, or it has ended");
    this.#usedKeys.add(found.id);
    return found;
  }

  fleetsOf(tenantId: string): TenantFleets {
    let fleets = this.#fleets.get(tenantId);
    if (!fleets) {
      const { fleets: owners } = this.#snapshot;
      const of = (isTheirs: (owner: string) => boolean) =>
        new Set([...owners].flatMap(([id, owner]) => (isTheirs(owner) ? [id] : [])));
      fleets = {
        own: tenantId === DEFAULT_TENANT ? ALL : of((owner) => owner === tenantId),
        ofOthers: of((owner) => owner !== tenantId),
      };
      this.#fleets.set(tenantId, fleets);
    }
    return fleets;
  }

  async #noteUsedKeys(): Promise<void> {
    const now = this.options.clock();
    if (this.#usedKeys.size === 0 || now - this.#noted < MINUTE) return;
    const ids = [...this.#usedKeys];
    this.#usedKeys.clear();
    this.#noted = now;
    await this.options.records.keysUsed(ids, new Date(now));
  }

  get #snapshot(): AccessSnapshot {
    if (!this.#known) throw new Error("access has not been read yet");
    return this.#known;
  }
}

function refused(reason: string): PublicError {
  return new PublicError("UNAUTHENTICATED", `Not signed in: ${reason}`);
}
