import { LoadFailed, messageOf } from "./errors.js";

/** Texts of some elements, in their order. */
export interface ElementBlock {
  readonly rows: readonly string[];
  readonly fraction: number;
}

const LONGEST_ELEMENT = 16 * 1024 * 1024;

/**
 * The elements of a JSON array, each as the text that stands in the file, found by its brackets without holding more
 * than one of them. Whether an element is valid is for the reader of its text to find out.
 */
export async function* arrayElements(
  chunks: AsyncIterable<{ bytes: Buffer; fraction: number }>,
  encoding: string,
): AsyncGenerator<ElementBlock> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  const scanner = new Scanner();
  for await (const { bytes, fraction } of chunks) {
    let text: string;
    try {
      text = decoder.decode(bytes, { stream: true });
    } catch (error) {
      throw new LoadFailed(`it is not valid ${encoding}: ${messageOf(error)}. Say what it is: --encoding`);
    }
    yield { rows: scanner.feed(text), fraction };
  }
  scanner.end();
}

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const [OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = [0x5b, 0x5d, 0x7b, 0x7d];

class Scanner {
  /** 1: between the elements of the array itself. */
  #depth = 0;
  #inString = false;
  #escaped = false;
  #isOver = false;
  /** The part of the current element that earlier chunks held. */
  #held = "";

  feed(text: string): string[] {
    const elements: string[] = [];
    let start = 0;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (this.#isInString(code)) continue;
      if (code === OPEN_BRACKET || code === OPEN_BRACE) {
        if (this.#enter() === 1) start = at + 1;
        continue;
      }
      const isEnd = (code === CLOSE_BRACKET || code === CLOSE_BRACE) && --this.#depth === 0;
      if (!isEnd && !(code === COMMA && this.#depth === 1)) continue;
      const element = (this.#held + text.slice(start, at)).trim();
      // Nothing stands before the bracket of an empty array, or behind a last comma.
      if (element !== "" || !isEnd) elements.push(element);
      this.#held = "";
      this.#isOver = isEnd;
      start = at + 1;
    }
    if (this.#depth > 0) this.#hold(text.slice(start));
    return elements;
  }

  end(): void {
    if (!this.#isOver) throw new LoadFailed("the JSON array does not end: is the file cut off?");
  }

  #isInString(code: number): boolean {
    if (!this.#inString) {
      this.#inString = code === QUOTE;
      return this.#inString;
    }
    if (this.#escaped) this.#escaped = false;
    else if (code === BACKSLASH) this.#escaped = true;
    else if (code === QUOTE) this.#inString = false;
    return true;
  }

  #enter(): number {
    if (this.#isOver) throw new LoadFailed("something stands behind the end of the JSON array");
    this.#depth += 1;
    return this.#depth;
  }

  #hold(rest: string): void {
    this.#held += rest;
    if (this.#held.length > LONGEST_ELEMENT) {
      throw new LoadFailed(`an element of the JSON array is longer than ${LONGEST_ELEMENT >> 20} MB`);
    }
  }
}
