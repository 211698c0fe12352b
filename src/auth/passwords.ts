import { availableParallelism } from "node:os";
import { hash, verify } from "@node-rs/argon2";
import { dictionary } from "@zxcvbn-ts/language-common";
import { bulkhead, isBulkheadRejectedError } from "cockatiel";
import { PublicError } from "../base/errors.js";

export const MIN_PASSWORD_LENGTH = 8;
/** Longer ones only cost time to hash. */
const MAX_PASSWORD_LENGTH = 1024;

/** The fifty thousand passwords that are tried first. */
const COMMON = new Set(dictionary["passwords-common"]);

/** argon2id with the library's defaults (19 MiB, 2 passes), as a PHC string. */
export function hashPassword(password: string): Promise<string> {
  return hash(password);
}

/**
 * Length and a list of common passwords, and no rules of composition, as NIST SP 800-63B asks for.
 * @param names the user's own, which are as easily guessed
 * @throws PublicError BAD_USER_INPUT saying what is wrong with a new password
 */
export function assertAcceptablePassword(password: string, names: readonly (string | null)[] = []): void {
  const fail = (message: string) => new PublicError("BAD_USER_INPUT", message, { field: "password" });
  if (password.length < MIN_PASSWORD_LENGTH || password.length > MAX_PASSWORD_LENGTH) {
    throw fail(
      `A password has at least ${MIN_PASSWORD_LENGTH} characters and at most ${MAX_PASSWORD_LENGTH}, this one has ${password.length}`,
    );
  }
  const folded = password.toLowerCase();
  if (COMMON.has(folded) || new Set(folded).size < 3) throw fail("This password is among those that are tried first");
  if (names.some((name) => name !== null && name.toLowerCase() === folded)) {
    throw fail("A password must not be the user's name or address");
  }
}

/** Each takes 19 MiB and a core: a flood of attempts must exhaust neither. */
const atOnce = bulkhead(availableParallelism(), 100);

let decoy: Promise<string> | undefined;

/** @throws PublicError SERVICE_UNAVAILABLE when too many wait already */
function inTurn<T>(work: () => Promise<T>): Promise<T> {
  return atOnce.execute(work).catch((error: unknown) => {
    if (!isBulkheadRejectedError(error)) throw error;
    throw new PublicError("SERVICE_UNAVAILABLE", "Too many are signing in at the moment; try again shortly");
  });
}

/** Whether the password is the one hashed. Takes as long for an unknown user (null) as for a wrong password. */
export async function checkPassword(passwordHash: string | null, password: string): Promise<boolean> {
  if (password.length > MAX_PASSWORD_LENGTH) return false;
  decoy ??= hashPassword("nobody's password");
  const expected = passwordHash ?? (await decoy);
  const matches = await inTurn(() => verify(expected, password));
  return matches && passwordHash !== null;
}
