import { hash, verify } from "@node-rs/argon2";
import { PublicError } from "../base/errors.js";

export const MIN_PASSWORD_LENGTH = 8;
/** Longer ones only cost time to hash. */
const MAX_PASSWORD_LENGTH = 1024;

/** argon2id with the library's defaults (19 MiB, 2 passes), as a PHC string. */
export function hashPassword(password: string): Promise<string> {
  return hash(password);
}

/** @throws PublicError BAD_USER_INPUT saying what is wrong with a new password */
export function assertAcceptablePassword(password: string): void {
  if (password.length >= MIN_PASSWORD_LENGTH && password.length <= MAX_PASSWORD_LENGTH) return;
  throw new PublicError(
    "BAD_USER_INPUT",
    `A password has at least ${MIN_PASSWORD_LENGTH} characters and at most ${MAX_PASSWORD_LENGTH}, this one has ${password.length}`,
  );
}

let decoy: Promise<string> | undefined;

/** Whether the password is the one hashed. Takes as long for an unknown user (null) as for a wrong password. */
export async function checkPassword(passwordHash: string | null, password: string): Promise<boolean> {
  if (password.length > MAX_PASSWORD_LENGTH) return false;
  decoy ??= hashPassword("nobody's password");
  const matches = await verify(passwordHash ?? (await decoy), password);
  return matches && passwordHash !== null;
}
