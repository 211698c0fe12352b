import { createRequire } from "node:module";
import { openSync } from "fontkit";

const files = createRequire(import.meta.url);

/** The fonts that come with the gateway: what is drawn looks the same on every machine. */
export const FONTS = {
  regular: files.resolve("dejavu-fonts-ttf/ttf/DejaVuSans.ttf"),
  bold: files.resolve("dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf"),
} as const;

type Face = keyof typeof FONTS;

const CJK = 0x2e80;

/** Widths of characters by code point, in ems. */
const widths: Record<Face, Map<number, number>> = { regular: new Map(), bold: new Map() };
const opened: Partial<Record<Face, ReturnType<typeof open>>> = {};

function open(face: Face) {
  const font = openSync(FONTS[face]);
  if (!("glyphForCodePoint" in font)) throw new Error(`${FONTS[face]} is a collection of fonts, expected one`);
  return font;
}

/** Width of a text in pixels, without kerning. */
export function widthOf(text: string, size: number, face: Face = "regular"): number {
  let ems = 0;
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    let width = widths[face].get(point);
    if (width === undefined) {
      opened[face] ??= open(face);
      const font = opened[face];
      const glyph = font.glyphForCodePoint(point);
      // What it lacks is drawn by another font, as wide as it is high where it is Chinese, Japanese or Korean.
      width = glyph.id === 0 && point >= CJK ? 1 : glyph.advanceWidth / font.unitsPerEm;
      widths[face].set(point, width);
    }
    ems += width;
  }
  return ems * size;
}
