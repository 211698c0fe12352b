import { type Chart, isEmptyChart, type Look } from "../domain/charts/index.js";
import type { Size } from "./svg.js";

/** What clients of the document service know where there is nothing to see. */
const EMPTY_HTML = "<p>No data available for visualization</p>";

/**
 * Draws charts without a browser. What it takes is loaded with the first chart: it would add a tenth of a second to
 * every start.
 */
export class Charts {
  #svg: Promise<typeof import("./svg.js")> | undefined;
  #png: Promise<typeof import("./png.js")> | undefined;

  async svg(chart: Chart, look: Look, size: Size): Promise<string> {
    this.#svg ??= import("./svg.js");
    return (await this.#svg).drawSvg(chart, look, size);
  }

  /** @param scale pixels of the picture for each pixel of the chart */
  async png(chart: Chart, look: Look, size: Size, scale = 2): Promise<Buffer> {
    this.#png ??= import("./png.js");
    return (await this.#png).paintPng(await this.svg(chart, look, size), size.width * scale);
  }

  /** A piece of a page, without scripts. */
  async html(chart: Chart, look: Look, size: Size): Promise<string> {
    if (isEmptyChart(chart)) return EMPTY_HTML;
    return `<figure style="margin:0">${await this.svg(chart, look, size)}</figure>`;
  }
}
