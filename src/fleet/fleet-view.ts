import { type AggregateArgs, figuresFor, type Provenance, provenance } from "./aggregate.js";
import type { FleetFigures } from "./figures.js";
import type { Viewer } from "./viewer.js";

/**
 * The fleet dashboard, computed block by block as blocks are asked for: a question about the summary loads no claims.
 * What the answer rests on is known once the blocks that were asked for are there.
 */
export class FleetView {
  readonly id: string | null;
  readonly figures: FleetFigures;
  readonly #asked: Promise<unknown>[] = [];
  #provenance: Promise<Provenance> | undefined;

  constructor(viewer: Viewer, args: AggregateArgs) {
    this.id = args.fleetId ?? null;
    this.figures = figuresFor(viewer, args);
  }

  /** One block of figures: null with a warning where its sources failed. @throws UpstreamError when all of them did */
  block<T>(compute: (figures: FleetFigures) => Promise<T>): Promise<T> {
    const block = compute(this.figures);
    this.#asked.push(block);
    return block.then((value) => {
      this.figures.data.ledger.assertSomething();
      return value;
    });
  }

  /** Waits for the blocks asked for next to it: executors start all fields of an object before any of them ends. */
  provenance(): Promise<Provenance> {
    this.#provenance ??= (async () => {
      await Promise.resolve();
      await Promise.allSettled(this.#asked);
      return provenance(this.figures, () => this.figures.healthCoverage());
    })();
    return this.#provenance;
  }
}
