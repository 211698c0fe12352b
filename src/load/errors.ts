export { UsageError } from "../usage.js";

/** The load cannot go on: exit code 1. */
export class LoadFailed extends Error {
  override name = "LoadFailed";
}

/** Nothing of a batch was taken in, for a reason that passes: the same batch may be sent again. */
export class TryAgain extends Error {
  override name = "TryAgain";
  constructor(
    message: string,
    /** What the gateway asks to wait; null when it says nothing. */
    readonly afterMs: number | null = null,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
