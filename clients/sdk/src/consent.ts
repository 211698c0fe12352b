import type { Store } from "./store.js";

const OPTED_OUT = "crowsnest.optout";

interface PrivacySignals {
  readonly doNotTrack?: string | null;
  readonly globalPrivacyControl?: boolean;
}

/** Whether this visitor may be recorded, asked anew each time: another tab or the browser's settings may change it. */
export class Consent {
  readonly #store: Store;
  readonly #respectsSignals: boolean;

  constructor(store: Store, respectsSignals: boolean) {
    this.#store = store;
    this.#respectsSignals = respectsSignals;
  }

  get isOptedOut(): boolean {
    return this.#store.get(OPTED_OUT) !== null || (this.#respectsSignals && signalsRefusal());
  }

  set(isOptedOut: boolean): void {
    if (isOptedOut) this.#store.set(OPTED_OUT, "1");
    else this.#store.remove(OPTED_OUT);
  }
}

function signalsRefusal(): boolean {
  const signals: PrivacySignals = globalThis.navigator ?? {};
  return signals.globalPrivacyControl === true || signals.doNotTrack === "1";
}
