import type { ExecutionResult } from "graphql";
import type { Context } from "./context.js";
import { type RecordShape, ShapeError } from "./record-shapes.js";

interface Made {
  readonly links: readonly unknown[];
  readonly text: Buffer;
}

/**
 * JSON of records by what is selected of them, as UTF-8 after a comma (as in a list), kept for as long as the record is in
 * use. When all of it takes too much it is forgotten at once.
 */
export class RecordTexts {
  #texts = new WeakMap<RecordShape, WeakMap<object, Made>>();
  #bytes = 0;

  constructor(readonly maxBytes: number) {}

  /** @returns a promise only where something has to be waited for @throws ShapeError, or rejects with it */
  of(shape: RecordShape, record: object, context: Context): Buffer | Promise<Buffer> {
    const made = this.#texts.get(shape)?.get(record);
    if (made && hasSameLinks(made, shape, record, context)) return made.text;
    const links = shape.links.map((link) => link.resolve(record, context));
    return links.some((link) => link instanceof Promise)
      ? Promise.all(links).then((waited) => this.#make(shape, record, waited, context))
      : this.#make(shape, record, links, context);
  }

  #make(shape: RecordShape, record: object, links: readonly unknown[], context: Context): Buffer | Promise<Buffer> {
    const keep = (result: ExecutionResult): Buffer => {
      const text = textOf(result);
      this.#keep(shape, record, { links, text });
      return text;
    };
    const result = shape.query.query(record, context, undefined);
    return result instanceof Promise ? result.then(keep) : keep(result as ExecutionResult);
  }

  #keep(shape: RecordShape, record: object, made: Made): void {
    this.#bytes += made.text.length;
    if (this.#bytes > this.maxBytes) {
      this.#texts = new WeakMap();
      this.#bytes = made.text.length;
    }
    const ofShape = this.#texts.get(shape) ?? new WeakMap<object, Made>();
    this.#texts.set(shape, ofShape);
    ofShape.set(record, made);
  }
}

function hasSameLinks({ links }: Made, shape: RecordShape, record: object, context: Context): boolean {
  for (let i = 0; i < links.length; i++) {
    const now = shape.links[i]?.resolve(record, context);
    if (now === links[i]) continue;
    // Left to whoever resolves it again.
    if (now instanceof Promise) now.catch(() => undefined);
    return false;
  }
  return true;
}

function textOf({ data, errors }: ExecutionResult): Buffer {
  if (errors || !data) throw new ShapeError();
  return Buffer.from(`,${JSON.stringify(data)}`);
}
