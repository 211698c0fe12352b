import type { AggregatePlan, Plan } from "../../domain/insights/plan.js";
import {
  type EventCursor,
  type EventFilter,
  type EventStore,
  type Granularity,
  StoreUnavailable,
  type Value,
} from "./store.js";

/** A store that cannot be reached is asked for again at most this often. */
const AGAIN_AFTER_MS = 1000;

/**
 * A store on a server that may be away when the gateway starts: opened at the first use that finds it, and until then
 * as unavailable as one that went away later. Events are taken in all the same and wait in the spool.
 */
export class PatientStore implements EventStore {
  #opening: Promise<EventStore> | null = null;
  #failed: { readonly error: StoreUnavailable; readonly at: number } | null = null;

  constructor(
    readonly dialect: EventStore["dialect"],
    readonly description: string,
    readonly open: () => Promise<EventStore>,
  ) {}

  append: EventStore["append"] = async (segments, touches) => (await this.#store()).append(segments, touches);
  async *stream(plan: AggregatePlan) {
    yield* (await this.#store()).stream(plan);
  }
  version: EventStore["version"] = async (basis) => (await this.#store()).version(basis);
  counts = async (filter: EventFilter, granularity: Granularity) => (await this.#store()).counts(filter, granularity);
  events = async (filter: EventFilter, limit: number, after?: EventCursor) =>
    (await this.#store()).events(filter, limit, after);
  answer = async (plan: Plan) => (await this.#store()).answer(plan);
  keyedBatch = async (tenant: string, key: string) => (await this.#store()).keyedBatch(tenant, key);
  query = async <Row extends object>(sql: string, parameters?: Readonly<Record<string, Value>>) =>
    (await this.#store()).query<Row>(sql, parameters);
  deleteReceivedBefore: EventStore["deleteReceivedBefore"] = async (...asked) =>
    (await this.#store()).deleteReceivedBefore(...asked);
  eraseUser = async (tenant: string, user: string) => (await this.#store()).eraseUser(tenant, user);
  tenants = async () => (await this.#store()).tenants();
  tenantViews = async (tenant: string) => (await this.#store()).tenantViews(tenant);
  ping = async () => (await this.#store()).ping();

  async close(): Promise<void> {
    const store = await this.#opening?.catch(() => null);
    await store?.close();
  }

  /** @throws StoreUnavailable while it cannot be reached; anything else that opening says against it */
  async #store(): Promise<EventStore> {
    if (this.#failed && performance.now() - this.#failed.at < AGAIN_AFTER_MS) throw this.#failed.error;
    this.#opening ??= this.open();
    try {
      return await this.#opening;
    } catch (error) {
      this.#opening = null;
      if (error instanceof StoreUnavailable) this.#failed = { error, at: performance.now() };
      throw error;
    }
  }
}
