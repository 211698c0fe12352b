import { generateKeyPairSync, randomBytes } from "node:crypto";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { sealingOf } from "./analytics/index.js";
import { AuditLog, Checkpointer, checkpointKey } from "./audit/index.js";
import { Standing, systemActor, TenantAdmin, UserAdmin } from "./auth/index.js";
import { DAY, HOUR, systemClock } from "./base/clock.js";
import type { Config } from "./config.js";
import {
  AccessRecords,
  ApiKeys,
  AuditCheckpoints,
  AuditEntries,
  AuditSubjects,
  accessChanges,
  type Database,
  DeadLetters,
  JobRecords,
  LeaseRecords,
  lockFolder,
  Members,
  openDatabase,
  Sessions,
  Tenants,
} from "./db/index.js";
import {
  anonymise,
  anonymiseUser,
  applyRetention,
  auditRecordOf,
  ERASURE_JOB,
  ERASURE_JOB_OPTIONS,
  Erasure,
  EVENT_TYPES,
  EventEngine,
  EventRegistry,
  type EventStore,
  loadOverrides,
  openClickHouseStore,
  openDuckDbStore,
  PatientStore,
  RETENTION_HOUR,
  RETENTION_JOB,
  StoreUnavailable,
} from "./events/index.js";
import { dailyAt, Jobs, Leases } from "./jobs/index.js";
import type { Logger } from "./ops/logs.js";
import type { Metrics } from "./ops/metrics.js";

/** What the gateway keeps and does by itself, without upstream services and without a door to the outside. */
export interface Core {
  readonly database: Database;
  readonly standing: Standing;
  readonly members: Members;
  readonly sessions: Sessions;
  readonly apiKeys: ApiKeys;
  readonly userAdmin: UserAdmin;
  readonly tenantAdmin: TenantAdmin;
  readonly audit: AuditLog;
  readonly checkpointer: Checkpointer;
  readonly jobs: Jobs;
  readonly events: EventEngine;
  readonly letters: DeadLetters;
  readonly erasure: Erasure;
  /** Stops what runs, writes what waits, closes everything. */
  close(): Promise<void>;
}

export type CoreConfig = Pick<
  Config,
  | "DATA_DIR"
  | "DATABASE_URL"
  | "JWT_EXPIRY_HOURS"
  | "AUDIT_CHECKPOINT_FILE"
  | "AUDIT_SIGNING_KEY"
  | "AUDIT_MASTER_KEY"
  | "CLICKHOUSE_URL"
  | "CLICKHOUSE_CLUSTER"
  | "EVENT_STORE_MEMORY_MB"
  | "SPOOL_MAX_BYTES"
  | "EVENT_TYPES_FILE"
  | "UNKNOWN_EVENTS"
  | "EVENT_RETENTION_DAYS"
  | "ANONYMIZE_USERS"
  | "ANONYMIZE_SECRET"
> &
  Partial<Pick<Config, "secretsDir">>;

/** Forgets sessions that ended long ago. */
const SESSIONS_JOB = "sessions.purge";
/** Lease under which one of several processes writes to a store that they share. */
const STORE_WRITER = "events.store-writer";

/** @throws Error when something required cannot be had; nothing is left open then */
export async function openCore(config: CoreConfig, metrics: Metrics, log: Logger): Promise<Core> {
  const closers: (() => Promise<unknown> | unknown)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    await mkdir(config.DATA_DIR, { recursive: true, mode: 0o700 });
    closers.push(await lockFolder(config.DATA_DIR));
    // The two slow parts of a start, side by side. When one fails the other is waited for, so that it can be closed.
    const opening = [
      closing(closers, openDatabase(config.DATABASE_URL ? { url: config.DATABASE_URL } : { folder: config.DATA_DIR })),
      closing(closers, openStore(config, log)),
    ] as const;
    await Promise.allSettled(opening);
    const [database, store] = await Promise.all(opening);

    const masterKey = Buffer.from(await keptSecret(secretsOf(config), "audit-master-key"), "base64");
    const subjects = new AuditSubjects(database.prisma, config.AUDIT_MASTER_KEY ?? masterKey);
    const entries = new AuditEntries(database.prisma, subjects);
    const chained = await entries.chainOld();
    if (chained > 0) log.info({ entries: chained }, "audit entries of an older version chained");
    const checkpointer = await openCheckpoints(config, { database, entries, log });
    closers.push(() => checkpointer.close());
    const audit = await closing(
      closers,
      AuditLog.open({
        ...{ entries, metrics, log, clock: systemClock },
        folder: join(config.DATA_DIR, "audit-spool"),
        maxBytes: config.SPOOL_MAX_BYTES,
      }),
    );
    await audit.flush();
    const access = await openAccess(config, { database, entries, audit, log });
    const letters = new DeadLetters(database.prisma, entries);

    const owner = `${hostname()}-${process.pid}`;
    const leases = new Leases({ records: new LeaseRecords(database.prisma), owner, log });
    closers.push(() => leases.stop());
    const exclusively: Exclusively =
      config.CLICKHOUSE_URL && config.DATABASE_URL
        ? (write) => leases.inTurn(STORE_WRITER, () => write())
        : (write) => write();
    const events = await closing(closers, openEvents(config, { store, audit, letters, metrics, log, exclusively }));

    const jobs = new Jobs({ records: new JobRecords(database.prisma), clock: systemClock, log, metrics, owner });
    closers.push(() => jobs.stop());
    const erasure = new Erasure({
      before: [{ name: "spool", erase: () => events.settled().then(() => 0) }],
      store,
      deadLetters: letters,
      after: [
        { name: "account", erase: (tenant, user) => access.userAdmin.erase(systemActor(tenant, "erasure"), user) },
        {
          name: "audit trail",
          erase: async (tenant, user) => {
            // What still waits would be written under a new key.
            await audit.flush();
            return subjects.erase(tenant, user);
          },
        },
      ],
      audit: entries,
      clock: systemClock,
      // Also what the user is called where ids are replaced as they come in.
      aliases: (user) => [anonymiseUser(user, config.ANONYMIZE_SECRET ?? null)],
      secret: await keptSecret(secretsOf(config), "erasure-secret"),
      exclusively,
    });
    jobs.define(ERASURE_JOB, erasure.handle, ERASURE_JOB_OPTIONS);
    jobs.define(
      RETENTION_JOB,
      applyRetention({
        store,
        types: () => events.registry.types(),
        defaultDays: config.EVENT_RETENTION_DAYS ?? null,
        sealing: () => sealingOf(events.registry),
        clock: systemClock,
        audit: entries,
        exclusively,
      }),
    );
    jobs.every(RETENTION_JOB, dailyAt(RETENTION_HOUR));
    jobs.define(SESSIONS_JOB, async () => {
      // For as long as a token that they gave out could still be shown, ended sessions must be known.
      const before = new Date(systemClock() - Math.max(DAY, config.JWT_EXPIRY_HOURS * HOUR));
      return { purged: await access.sessions.purge(before) };
    });
    jobs.every(SESSIONS_JOB, dailyAt(RETENTION_HOUR));
    return { database, ...access, audit, checkpointer, jobs, events, letters, erasure, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openCheckpoints(
  config: CoreConfig,
  { database, entries, log }: Pick<AccessParts, "database" | "entries" | "log">,
): Promise<Checkpointer> {
  const checkpointer = new Checkpointer({
    entries,
    checkpoints: new AuditCheckpoints(database.prisma),
    key: checkpointKey(
      config.AUDIT_SIGNING_KEY ?? (await keptSecret(secretsOf(config), "audit-key.pem", newSigningKey)),
    ),
    file: config.AUDIT_CHECKPOINT_FILE ?? join(config.DATA_DIR, "audit-checkpoints.ndjson"),
    clock: systemClock,
    log,
  });
  await checkpointer.start();
  return checkpointer;
}

function newSigningKey(): string {
  return generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

interface AccessParts {
  readonly database: Database;
  readonly entries: AuditEntries;
  readonly audit: AuditLog;
  readonly log: Logger;
}

async function openAccess(config: CoreConfig, { database: { prisma }, entries, audit, log }: AccessParts) {
  const longestTokenMs = config.JWT_EXPIRY_HOURS * HOUR;
  const standing = new Standing({ records: new AccessRecords(prisma), longestTokenMs, clock: systemClock, log });
  await standing.refresh();
  const change = accessChanges(prisma, entries, () => standing.refresh());
  const members = new Members(prisma, change);
  const tenants = new Tenants(prisma, change);
  return {
    standing,
    members,
    sessions: new Sessions(prisma, change),
    apiKeys: new ApiKeys(prisma, change),
    userAdmin: new UserAdmin(members, tenants, audit),
    tenantAdmin: new TenantAdmin(tenants, audit),
  };
}

async function closing<T extends { close(): Promise<unknown> }>(
  closers: (() => Promise<unknown> | unknown)[],
  opening: Promise<T>,
): Promise<T> {
  const part = await opening;
  closers.push(() => part.close());
  return part;
}

async function openStore(config: CoreConfig, log: Logger): Promise<EventStore> {
  const { CLICKHOUSE_URL: url, CLICKHOUSE_CLUSTER: cluster } = config;
  if (url) {
    const { host, pathname } = new URL(url);
    const store = new PatientStore("clickhouse", `ClickHouse ${host}${pathname}`, () =>
      openClickHouseStore({ url, cluster }),
    );
    await store.ping().catch((error: unknown) => {
      if (!(error instanceof StoreUnavailable)) throw error;
      log.warn({ error: error.message, store: store.description }, "the event store is away; events wait in the spool");
    });
    return store;
  }
  const startedAt = performance.now();
  const folder = join(config.DATA_DIR, "events");
  const store = await openDuckDbStore({ folder, memoryLimit: `${config.EVENT_STORE_MEMORY_MB}MB` });
  log.info({ milliseconds: Math.round(performance.now() - startedAt) }, "event store opened");
  return store;
}

interface EventParts {
  readonly store: EventStore;
  readonly audit: AuditLog;
  readonly letters: DeadLetters;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly exclusively: Exclusively;
}

async function openEvents(config: CoreConfig, parts: EventParts): Promise<EventEngine> {
  const file = config.EVENT_TYPES_FILE;
  const registry = new EventRegistry(file ? await loadOverrides(file, EVENT_TYPES) : EVENT_TYPES, {
    unknown: config.UNKNOWN_EVENTS,
  });
  const secret = config.ANONYMIZE_SECRET ?? null;
  const startedAt = performance.now();
  const engine = await EventEngine.open({
    ...parts,
    folder: join(config.DATA_DIR, "spool"),
    spoolMaxBytes: config.SPOOL_MAX_BYTES,
    registry,
    clock: systemClock,
    anonymise: config.ANONYMIZE_USERS ? (event) => anonymise(event, registry.get(event.type) ?? null, secret) : null,
    keepLetters: (letters) => parts.letters.add(letters),
    audit: (accepted) => parts.audit.seal(accepted.map(auditRecordOf)),
  });
  parts.log.info({ milliseconds: Math.round(performance.now() - startedAt) }, "event spool opened");
  return engine;
}

type Exclusively = <T>(write: () => Promise<T>) => Promise<T>;

function secretsOf({ secretsDir, DATA_DIR }: CoreConfig): string {
  return secretsDir ?? DATA_DIR;
}

/** A secret made once and kept: what it protects survives a restart, and nothing is a known default. */
export async function keptSecret(folder: string, name: string, make = newSecret): Promise<string> {
  const path = join(folder, name);
  try {
    return await readFile(path, "utf8");
  } catch {
    const secret = make();
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(path, secret, { mode: 0o600 });
    await chmod(path, 0o600);
    return secret;
  }
}

function newSecret(): string {
  return randomBytes(32).toString("base64");
}
