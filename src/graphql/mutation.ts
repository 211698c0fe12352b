import { type ErrorCode, PublicError } from "../base/errors.js";

/** What a payload tells of a refusal. */
export interface PayloadError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly field: string | null;
}

/** What the caller can mend by asking for something else. */
const MENDABLE: ReadonlySet<ErrorCode> = new Set(["BAD_USER_INPUT", "CONFLICT", "NOT_FOUND", "FORBIDDEN"]);

/** Carries out a mutation: a refusal that the caller can mend is part of the payload, anything else an error. */
export async function payload<T extends object, E extends object>(
  refused: E,
  work: () => Promise<T>,
): Promise<(T | E) & { errors: PayloadError[] }> {
  try {
    return { ...(await work()), errors: [] };
  } catch (error) {
    if (!(error instanceof PublicError) || !MENDABLE.has(error.code)) throw error;
    const { field } = error.details;
    const told = { code: error.code, message: error.message, field: typeof field === "string" ? field : null };
    return { ...refused, errors: [told] };
  }
}
