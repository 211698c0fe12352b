import { describe, expect, it } from "vitest";
import { clickHouseMigrations } from "./clickhouse-schema.js";
import { DUCKDB_MIGRATIONS } from "./duckdb-schema.js";
import { type Migration, pending } from "./migrations.js";

const steps: Migration[] = [1, 2, 3].map((version) => ({ version, name: `step ${version}`, statements: [] }));

describe("migrations", () => {
  it("are those that the store lacks, in order", () => {
    expect(pending(steps, [], "s").map(({ version }) => version)).toEqual([1, 2, 3]);
    expect(pending(steps, [1, 2], "s").map(({ version }) => version)).toEqual([3]);
    expect(pending(steps, [3, 1, 2], "s")).toEqual([]);
  });

  it("refuse a store that a newer program has written", () => {
    expect(() => pending(steps, [1, 2, 3, 4], "The event store x")).toThrow(
      /The event store x has schema version 4, this program knows versions up to 3: it was written by a newer version/,
    );
  });

  it("are numbered without gaps in both dialects", () => {
    const layout = { database: "d", cluster: null, replicated: false };
    for (const list of [DUCKDB_MIGRATIONS, clickHouseMigrations(layout)]) {
      expect(list.map(({ version }) => version)).toEqual(list.map((_, i) => i + 1));
    }
  });

  it("define tables on the whole cluster and replicated, where that is asked for", () => {
    const layout = { database: "d", cluster: "main`s", replicated: true };
    const statements = clickHouseMigrations(layout).flatMap((migration) => migration.statements);
    for (const statement of statements) expect(statement).toContain("ON CLUSTER `main\\`s`");
    expect(statements[0]).toContain("ENGINE = ReplicatedMergeTree");
    expect(statements[0]).not.toContain("non_replicated");
  });
});
