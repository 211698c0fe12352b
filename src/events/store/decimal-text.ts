/** Decimal text without zeros that say nothing: both engines' sums read the same. */
export function decimalText(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}
