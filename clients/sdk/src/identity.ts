import type { Store } from "./store.js";

const ANONYMOUS = "crowsnest.anonymous";
const USER = "crowsnest.user";
const SESSION = "crowsnest.session";

export interface IdentityOptions {
  readonly store: Store;
  readonly newId: () => string;
  readonly now: () => number;
  readonly sessionTimeoutMs: number;
}

/** Who is there, as all tabs of this site see it: nothing is remembered here, because another tab may change it. */
export class Identity {
  readonly #options: IdentityOptions;

  constructor(options: IdentityOptions) {
    this.#options = options;
  }

  get anonymousId(): string {
    const { store, newId } = this.#options;
    const known = store.get(ANONYMOUS);
    if (known) return known;
    const id = newId();
    store.set(ANONYMOUS, id);
    return id;
  }

  /** Who was identified, else the anonymous id. */
  get user(): string {
    return this.#options.store.get(USER) ?? this.anonymousId;
  }

  identify(userId: string): void {
    this.#options.store.set(USER, userId);
  }

  /** The current session, which this call keeps alive; a new one after the pause. */
  session(): string {
    const { store, newId, now, sessionTimeoutMs } = this.#options;
    const [id, last] = (store.get(SESSION) ?? "").split(" ");
    // A clock that was set back would otherwise keep an old session alive until it catches up.
    const isCurrent = id && Math.abs(now() - Number(last)) < sessionTimeoutMs;
    const session = isCurrent ? id : newId();
    store.set(SESSION, `${session} ${now()}`);
    return session;
  }

  /** The next visitor is somebody else. */
  forget(): void {
    for (const key of [ANONYMOUS, USER, SESSION]) this.#options.store.remove(key);
  }
}
