/** What was asked for cannot be done: exit code 2. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** The load cannot go on: exit code 1. */
export class LoadFailed extends Error {
  override name = "LoadFailed";
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
