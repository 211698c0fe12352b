import type { LineBlock } from "./lines.js";
import type { FaultyRow } from "./rows.js";

/** Cells of a row in the order of the columns, or what is wrong with it. */
export type Split = readonly string[] | FaultyRow;

export interface SplitBlock {
  readonly rows: readonly Split[];
  readonly fraction: number;
}

const QUOTE = '"';
const NOT_UTF8 = "not valid UTF-8: if the whole file is in another encoding, say so (--encoding windows-1252)";
/** A quote that is still open after this many characters was never meant to be one. */
const LONGEST_QUOTED = 1_000_000;

/**
 * Rows of RFC 4180: cells may be quoted, a doubled quote stands for one, line breaks may stand in quotes. A quote inside
 * a cell that does not begin with one is an ordinary character. What cannot be split spoils its own row only: after a
 * quote that is never closed, the lines behind the first one are read anew. Empty lines are no rows.
 */
export async function* csvRows(blocks: AsyncIterable<LineBlock>, delimiter: string): AsyncGenerator<SplitBlock> {
  const splitter = new Splitter(delimiter);
  let fraction = 0;
  for await (const block of blocks) {
    fraction = block.fraction;
    const rows: Split[] = [];
    block.lines.forEach((line, index) => {
      splitter.take(line, block.broken.has(index), rows);
    });
    yield { rows, fraction };
  }
  const rows: Split[] = [];
  splitter.end(rows);
  if (rows.length > 0) yield { rows, fraction };
}

interface Line {
  readonly text: string;
  readonly broken: boolean;
}

/** What of a row has been read, while a quote is open at the end of a line. */
interface Unfinished {
  readonly lines: Line[];
  length: number;
  readonly cells: string[];
  /** Of the cell that the quote opens. */
  cell: string;
}

class Splitter {
  #open: Unfinished | null = null;

  constructor(readonly delimiter: string) {}

  take(text: string, broken: boolean, rows: Split[]): void {
    if (this.#open === null && !text.includes(QUOTE)) this.#takePlain(text, broken, rows);
    else this.#takeAll([{ text, broken }], rows);
  }

  end(rows: Split[]): void {
    while (this.#open) this.#takeAll(this.#giveUp(rows), rows);
  }

  #takePlain(line: string, broken: boolean, rows: Split[]): void {
    const text = withoutReturn(line);
    if (text !== "") rows.push(broken ? { fault: NOT_UTF8, raw: text } : text.split(this.delimiter));
  }

  #takeAll(lines: readonly Line[], rows: Split[]): void {
    const left = lines.toReversed();
    for (let line = left.pop(); line; line = left.pop()) {
      if (this.#open === null && !line.text.includes(QUOTE)) this.#takePlain(line.text, line.broken, rows);
      else this.#split(line, rows);
      if (this.#open && this.#open.length > LONGEST_QUOTED) {
        for (const other of this.#giveUp(rows).reverse()) left.push(other);
      }
    }
  }

  /** The first line of the open row is at fault. @returns those behind it, which get another chance */
  #giveUp(rows: Split[]): Line[] {
    const [first, ...others] = this.#open?.lines ?? [];
    this.#open = null;
    rows.push({ fault: "a quote is opened and never closed", raw: withoutReturn(first?.text ?? "") });
    return others;
  }

  #split(line: Line, rows: Split[]): void {
    const row = this.#open ?? { lines: [], length: 0, cells: [], cell: "" };
    let quoted = this.#open !== null;
    this.#open = null;
    row.lines.push(line);
    row.length += line.text.length;
    const { text } = line;
    const bare = withoutReturn(text);
    for (let at = 0; ; at += this.delimiter.length) {
      if (quoted || text[at] === QUOTE) {
        const from = quoted ? at : at + 1;
        const close = closingQuote(text, from);
        if (close === -1) {
          row.cell += `${unquote(text.slice(from))}\n`;
          this.#open = row;
          return;
        }
        row.cells.push(row.cell + unquote(text.slice(from, close)));
        row.cell = "";
        quoted = false;
        at = close + 1;
      } else {
        const found = bare.indexOf(this.delimiter, at);
        const end = found === -1 ? bare.length : found;
        row.cells.push(bare.slice(at, end));
        at = end;
      }
      if (at >= bare.length) break;
      if (!bare.startsWith(this.delimiter, at)) {
        rows.push({ fault: "text stands behind a closing quote", raw: rawOf(row) });
        return;
      }
    }
    rows.push(finished(row));
  }
}

function finished(row: Unfinished): Split {
  return row.lines.some(({ broken }) => broken) ? { fault: NOT_UTF8, raw: rawOf(row) } : row.cells;
}

/** Where the quote is that is not doubled; -1 when the line ends before. */
function closingQuote(text: string, from: number): number {
  for (let at = text.indexOf(QUOTE, from); at !== -1; at = text.indexOf(QUOTE, at + 2)) {
    if (text[at + 1] !== QUOTE) return at;
  }
  return -1;
}

function unquote(text: string): string {
  return text.replaceAll('""', QUOTE);
}

function rawOf(row: Unfinished): string {
  return row.lines.map(({ text }) => withoutReturn(text)).join("\n");
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}
