/**
 * Tells whether a page that left events in the shared storage is still there. Each page holds a Web Lock named after
 * its queue; the browser frees it when the page ends, however it ends.
 */
export class Ownership {
  readonly #locks: LockManager | undefined;
  #releases: (() => void)[] = [];

  constructor(locks: LockManager | undefined) {
    this.#locks = locks;
  }

  /** Marks the queue as ours for as long as this page is there. */
  hold(name: string): void {
    void this.#request(name, {});
  }

  /** True: its page is gone and the queue is ours now. False: somebody has it. Null: this browser cannot tell. */
  take(name: string): Promise<boolean | null> {
    return this.#request(name, { ifAvailable: true });
  }

  /** To be called when the page is left: the browser drops a page from its back-button cache when another asks for its locks. */
  release(): void {
    for (const release of this.#releases) release();
    this.#releases = [];
  }

  #request(name: string, options: LockOptions): Promise<boolean | null> {
    const locks = this.#locks;
    if (!locks) return Promise.resolve(null);
    return new Promise((resolve) => {
      const held = locks.request(name, options, (lock) => {
        resolve(lock !== null);
        return lock && new Promise<void>((release) => this.#releases.push(release));
      });
      // Sandboxed frames have the interface but may not use it.
      held.catch(() => resolve(null));
    });
  }
}
