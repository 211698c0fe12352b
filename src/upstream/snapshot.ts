import { Column } from "../base/column.js";
import { type Columns, RecordColumns, type Rows } from "../domain/fleet/columns.js";
import { HealthColumns } from "../domain/fleet/health-table.js";
import { HistoryColumns } from "../domain/fleet/history-columns.js";
import type { Appointment, Claim } from "../domain/fleet/records.js";
import { currentDeadline } from "../ops/on-behalf.js";
import type { Entry, Follower, UpstreamCache } from "./cache.js";
import { ImpatientRequest, type ServiceName } from "./errors.js";

/** What is known of one kind about the vehicles of a tenant, in columns, with the time that each row was fetched. */
export class Snapshot<T, Table> implements Follower<T | null> {
  readonly #places = new Map<string, number>();
  readonly #fetchedAt = new Column();
  readonly #lists = new WeakMap<readonly { readonly id: string }[], SnapshotList<T, Table>>();
  /** Counts what makes another table. */
  version = 0;
  /** Counts fetches and drops. */
  touched = 0;

  constructor(
    readonly columns: Columns<T, Table>,
    readonly keepsValues: boolean,
  ) {}

  stored(id: string, { value, fetchedAt }: Entry<T | null>): void {
    const row = this.#rowOf(id);
    this.touched += 1;
    this.#fetchedAt.set(row, fetchedAt);
    if (this.columns.set(row, value)) this.version += 1;
  }

  dropped(id: string): void {
    this.touched += 1;
    this.#fetchedAt.set(this.#rowOf(id), Number.NaN);
  }

  /** Known by identity: for the same list the same tables, as long as nothing is different. */
  of(vehicles: readonly { readonly id: string }[]): SnapshotList<T, Table> {
    const known = this.#lists.get(vehicles);
    if (known) return known;
    const ids = vehicles.map(({ id }) => id);
    const list = new SnapshotList(this, { ids, rows: Uint32Array.from(ids, (id) => this.#rowOf(id)) });
    this.#lists.set(vehicles, list);
    return list;
  }

  fetchedAt(row: number): number {
    return this.#fetchedAt.get(row);
  }

  #rowOf(id: string): number {
    const row = this.#places.get(id) ?? this.#places.size;
    this.#places.set(id, row);
    return row;
  }
}

interface Ages {
  readonly touched: number;
  readonly isWhole: boolean;
  /** Of what is there. */
  readonly oldest: number;
  readonly newest: number;
}

/** The part of a snapshot that is about some vehicles. */
export class SnapshotList<T, Table> {
  #ages: Ages = { touched: -1, isWhole: false, oldest: 0, newest: 0 };
  #busy: Promise<void> | undefined;
  #table: { readonly version: number; readonly table: Table } | undefined;

  constructor(
    readonly snapshot: Snapshot<T, Table>,
    readonly list: Rows,
  ) {}

  /** Places in the list of what is not there, or was fetched before that moment. */
  outdated(before: number): number[] {
    const { isWhole, oldest } = this.#look();
    if (isWhole && oldest >= before) return [];
    return [...this.list.rows.keys()].filter((place) => !(this.fetchedAt(place) >= before));
  }

  /**
   * One at a time, for work that fetches much: who comes meanwhile waits, and then finds done what there was to do.
   * @throws ImpatientRequest of a request that cannot wait so long
   */
  async alone<Result>(service: ServiceName, work: () => Promise<Result>): Promise<Result> {
    while (this.#busy) {
      await (currentDeadline()?.race(this.#busy) ?? this.#busy).catch((cause: unknown) => {
        throw new ImpatientRequest(service, { cause });
      });
    }
    const result = work();
    const done = result.then(
      () => undefined,
      () => undefined,
    );
    this.#busy = done.then(() => {
      this.#busy = undefined;
    });
    return result;
  }

  /** The very same object until something is different. `instead`: what is to stand at these places. */
  table(instead: ReadonlyMap<number, T | null>): Table {
    const { columns, version } = this.snapshot;
    if (instead.size > 0) return columns.table(this.list, instead);
    if (this.#table?.version !== version) this.#table = { version, table: columns.table(this.list, instead) };
    return this.#table.table;
  }

  /** NaN: it is not there, or no longer current. */
  fetchedAt(place: number): number {
    return this.snapshot.fetchedAt(this.list.rows[place] ?? 0);
  }

  /** When the oldest and the newest were fetched of what is there at other places; null of nothing. */
  times(but: ReadonlyMap<number, unknown>): [oldest: number, newest: number] | null {
    const { oldest, newest } = but.size === 0 ? this.#look() : this.#agesBut(but);
    return oldest === Number.POSITIVE_INFINITY ? null : [oldest, newest];
  }

  /** Mostly nothing has come since somebody looked. */
  #look(): Ages {
    if (this.#ages.touched !== this.snapshot.touched) this.#ages = this.#agesBut(new Map());
    return this.#ages;
  }

  #agesBut(places: ReadonlyMap<number, unknown>): Ages {
    const { touched } = this.snapshot;
    let [oldest, newest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    let isWhole = true;
    for (let place = 0; place < this.list.rows.length; place++) {
      const at = this.fetchedAt(place);
      if (Number.isNaN(at)) isWhole = false;
      else if (!places.has(place)) {
        if (at < oldest) oldest = at;
        if (at > newest) newest = at;
      }
    }
    return { touched, isWhole, oldest, newest };
  }
}

const KINDS = {
  health: () => new Snapshot(new HealthColumns(), false),
  // Thirty days of every vehicle would leave no room in the cache for anything else.
  history: () => new Snapshot(new HistoryColumns(), true),
  appointments: () => new Snapshot(new RecordColumns<Appointment>(), false),
  claims: () => new Snapshot(new RecordColumns<Claim>(), false),
};
export type SnapshotKind = keyof typeof KINDS;
export type SnapshotOf<Kind extends SnapshotKind> = ReturnType<(typeof KINDS)[Kind]>;

const snapshots = new WeakMap<UpstreamCache, Map<string, Snapshot<never, unknown>>>();

/** The snapshot that follows a group of the cache; made when it is first asked for. */
export function snapshotOf<Kind extends SnapshotKind>(
  cache: UpstreamCache,
  group: string,
  kind: Kind,
): SnapshotOf<Kind> {
  const own = snapshots.get(cache) ?? new Map<string, Snapshot<never, unknown>>();
  snapshots.set(cache, own);
  const known = own.get(group) as SnapshotOf<Kind> | undefined;
  if (known) return known;
  const made = KINDS[kind]() as SnapshotOf<Kind>;
  own.set(group, made as unknown as Snapshot<never, unknown>);
  cache.follow(group, made as unknown as Follower<unknown>);
  return made;
}
