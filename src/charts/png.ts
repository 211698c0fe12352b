import { renderAsync } from "@resvg/resvg-js";
import { FONTS } from "./fonts.js";

/** Paints an SVG, off the event loop. @param width pixels */
export async function paintPng(svg: string, width: number): Promise<Buffer> {
  const image = await renderAsync(svg, {
    fitTo: { mode: "width", value: width },
    font: { fontFiles: Object.values(FONTS), loadSystemFonts: false, defaultFontFamily: "DejaVu Sans" },
  });
  return image.asPng();
}
