/** What is left of personal data for those who may not know whose it is: enough to tell two apart in a conversation. */
export const MASKS = {
  /** The last four characters, as on a receipt. */
  vin: (value: string) => covered(value, 4),
  /** The last two characters. */
  id: (value: string) => covered(value, 2),
  /** The first letter and the domain. */
  email: (value: string) => value.replace(/^(.).*(?=@)/s, "$1***"),
  /** The last three digits. */
  phone: (value: string) => covered(value, 3),
} as const;

export type MaskName = keyof typeof MASKS;

/** Of short values less is left, so that what is covered is always more. */
function covered(value: string, shown: number): string {
  const kept = Math.min(shown, Math.floor(value.length / 3));
  return `***${kept === 0 ? "" : value.slice(-kept)}`;
}
