/** Statements that make a tenant's views, and the schema they are in. */
export function duckDbViews(_tenant: string): { schema: string; statements: string[] } {
  throw new Error("not yet");
}
