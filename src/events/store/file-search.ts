import { open } from "node:fs/promises";

const CHUNK = 4 * 1024 * 1024;

/** Whether any of these texts stands in a file, as UTF-8. */
export async function fileHasAny(path: string, texts: readonly string[]): Promise<boolean> {
  const needles = texts.map((text) => Buffer.from(text));
  // What ends one chunk is looked at again with the next: a text may lie across.
  const overlap = Math.max(0, ...needles.map(({ length }) => length - 1));
  const buffer = Buffer.alloc(CHUNK + overlap);
  const file = await open(path);
  try {
    for (let kept = 0; ; ) {
      const { bytesRead } = await file.read(buffer, kept, CHUNK);
      if (bytesRead === 0) return false;
      const window = buffer.subarray(0, kept + bytesRead);
      if (needles.some((needle) => window.includes(needle))) return true;
      kept = Math.min(overlap, window.length);
      window.copy(buffer, 0, window.length - kept);
    }
  } finally {
    await file.close();
  }
}
