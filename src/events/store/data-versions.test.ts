import { describe, expect, it } from "vitest";
import { DAY } from "../../base/clock.js";
import { DataVersions, type Touch } from "./data-versions.js";

const touch = (day: number, fields: Partial<Touch> = {}): Touch => ({
  tenant: "a",
  type: "view",
  first: day * DAY,
  last: day * DAY + 1,
  ...fields,
});
const basis = { tenant: "a", types: ["view"], from: 10 * DAY, to: 20 * DAY };

describe("versions", () => {
  const changes = (
    touches: readonly Touch[] | undefined,
    of: Parameters<DataVersions["version"]>[0] = basis,
  ): boolean => {
    const versions = new DataVersions();
    versions.touch([touch(15), touch(15, { type: "other" })]);
    const before = versions.version(of);
    versions.touch(touches);
    return versions.version(of) !== before;
  };
  it("change with events of the type and within the range", () => {
    expect(changes([touch(10)])).toBe(true);
    expect(changes([touch(19)])).toBe(true);
    expect(changes([touch(5, { last: 12 * DAY })])).toBe(true);
  });
  it("do not change with other types, days or tenants", () => {
    expect(changes([touch(9)])).toBe(false);
    expect(changes([touch(20)])).toBe(false);
    expect(changes([touch(15, { type: "other" })])).toBe(false);
    expect(changes([touch(15, { tenant: "b" })])).toBe(false);
  });
  it("change with every type and day where no bound is set", () => {
    expect(changes([touch(-500, { type: "new" })], { tenant: "a", types: null, from: null, to: null })).toBe(true);
    expect(changes([touch(3)], { ...basis, from: null })).toBe(true);
    expect(changes([touch(30)], { ...basis, to: null })).toBe(true);
  });
  it("change when it is not known what was touched, and for events over very many days", () => {
    expect(changes(undefined)).toBe(true);
    expect(changes([touch(-5000, { last: 5000 * DAY })])).toBe(true);
  });
  it("change with a tenant's deletions only for that tenant", () => {
    const versions = new DataVersions();
    const [own, other] = [versions.version(basis), versions.version({ ...basis, tenant: "b" })];
    versions.touchTenant("a");
    expect(versions.version(basis)).not.toBe(own);
    expect(versions.version({ ...basis, tenant: "b" })).toBe(other);
  });
});
