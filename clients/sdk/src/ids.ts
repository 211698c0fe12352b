const COUNTER_LIMIT = 0xfff;

/**
 * Makes UUIDv7s that only ever grow, also within one millisecond and when the clock is set back:
 * sorting by id is sorting by the order of calls.
 */
export function createIds(now: () => number): () => string {
  let time = 0;
  let counter = 0;
  return () => {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    const current = Math.floor(now());
    if (current > time) {
      time = current;
      counter = ((bytes[6] ?? 0) << 3) | ((bytes[7] ?? 0) >> 5);
    } else if (++counter > COUNTER_LIMIT) {
      time++;
      counter = 0;
    }
    const random = Array.from(bytes.subarray(8), (byte, i) => hex(i === 0 ? (byte & 0x3f) | 0x80 : byte, 2)).join("");
    const head = hex(time, 12);
    return `${head.slice(0, 8)}-${head.slice(8)}-7${hex(counter, 3)}-${random.slice(0, 4)}-${random.slice(4)}`;
  };
}

/** Epoch milliseconds in a UUIDv7. */
export const timeOf = (id: string): number => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);

const hex = (value: number, width: number): string => value.toString(16).padStart(width, "0");
