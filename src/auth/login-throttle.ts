import { createHash } from "node:crypto";
import { PublicError } from "../base/errors.js";
import type { RateLimiter } from "../base/rates.js";

/** Failures that an account, and an address, may have within the limiters' time. */
export const LOGIN_FAILURES = { account: 10, address: 100, seconds: 15 * 60 } as const;

export interface LoginThrottleOptions {
  readonly accounts: RateLimiter;
  readonly addresses: RateLimiter;
}

/**
 * Slows down guessing: so many failures of an account or from an address, then nothing for a while, right or wrong.
 * Counted per name, whether or not there is such a user, so that being throttled tells nothing.
 */
export class LoginThrottle {
  constructor(readonly options: LoginThrottleOptions) {}

  /**
   * Counts an attempt, before the password is looked at: many at once are many.
   * @returns to be called when the attempt was no failure
   * @throws PublicError RATE_LIMITED
   */
  async attempt(tenantId: string, username: string, address: string | null): Promise<() => Promise<void>> {
    const { accounts, addresses } = this.options;
    const account = createHash("sha256")
      .update(JSON.stringify([tenantId, username.toLowerCase()]))
      .digest("base64url");
    const allowances = await Promise.all([accounts.take(account), address === null ? null : addresses.take(address)]);
    const refused = allowances.find((allowance) => allowance?.allowed === false);
    if (refused) {
      throw new PublicError("RATE_LIMITED", "Too many failed attempts to sign in; try again later", {
        retryAfterSeconds: refused.resetSeconds,
      });
    }
    return async () => {
      await Promise.all([accounts.forget(account), address !== null && addresses.giveBack(address)]);
    };
  }
}
