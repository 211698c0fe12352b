/** 32 bits of FNV-1a, mixed once more: without that, texts that differ at the end only fall close together. */
export function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}

/** Whether this visitor's events are sent. The same visitor stays in when the rate grows. */
export const isSampled = (anonymousId: string, rate: number): boolean => hash(anonymousId) / 2 ** 32 < rate;
