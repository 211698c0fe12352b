import { crc32 } from "node:zlib";
import { BarChart, FunnelChart, GaugeChart, HeatmapChart, LineChart, PieChart, ScatterChart } from "echarts/charts";
import {
  AriaComponent,
  GeoComponent,
  GraphicComponent,
  GridComponent,
  LegendComponent,
  LegendScrollComponent,
  MatrixComponent,
  TitleComponent,
  TooltipComponent,
  VisualMapComponent,
} from "echarts/components";
import * as echarts from "echarts/core";
import { LabelLayout } from "echarts/features";
import { SVGRenderer } from "echarts/renderers";
import { type Chart, type ChartOption, chartOption, describe, type Look, WORLD } from "../domain/charts/index.js";
import { widthOf } from "./fonts.js";
import { world } from "./world.js";

export interface Size {
  /** Pixels. */
  readonly width: number;
  readonly height: number;
}

echarts.use([BarChart, FunnelChart, GaugeChart, HeatmapChart, LineChart, PieChart, ScatterChart]);
echarts.use([AriaComponent, GeoComponent, GraphicComponent, GridComponent, LegendComponent, LegendScrollComponent]);
echarts.use([MatrixComponent, TitleComponent, TooltipComponent, VisualMapComponent, LabelLayout, SVGRenderer]);
// Without a browser nobody else can tell how wide a text becomes.
echarts.setPlatformAPI({
  measureText: (text, font) => {
    const size = Number(/(\d+(?:\.\d+)?)px/.exec(font ?? "")?.[1] ?? 12);
    return { width: widthOf(text ?? "", size, /bold/.test(font ?? "") ? "bold" : "regular") };
  },
});

let hasWorld = false;

/** The chart as a picture of lines and text: valid XML, whatever the names in it. */
export function drawSvg(chart: Chart, look: Look, { width, height }: Size): string {
  if (chart.type === "MAP" && !hasWorld) {
    echarts.registerMap(WORLD, world() as Parameters<typeof echarts.registerMap>[1]);
    hasWorld = true;
  }
  const instance = echarts.init(null, null, { renderer: "svg", ssr: true, width, height });
  try {
    instance.setOption(chartOption(chart, look) as ChartOption);
    return titled(settled(instance.renderToSVGString(), chart), chart);
  } finally {
    instance.dispose();
  }
}

/**
 * ECharts names parts by counters over all charts ever drawn. By a name of the chart's own instead, the same chart is the
 * same picture, and two of them go on one page. What is only for pointers is left out.
 */
function settled(svg: string, chart: Chart): string {
  const own = `c${crc32(JSON.stringify(chart)).toString(36)}-`;
  return svg
    .replaceAll(/<style[^>]*>.*?<\/style>/gs, "")
    .replaceAll(/<[^>]+>/g, (tag) => tag.replace(/ class="zr\d+-[^"]*"/, "").replaceAll(/\bzr\d+-/g, own));
}

/** For readers of screens: what it is, and what there is to see. */
function titled(svg: string, chart: Chart): string {
  const title = `<title>${escaped(chart.title)}</title><desc>${escaped(describe(chart))}</desc>`;
  const named = svg.replace(/^<svg([^>]*)>/, (_, attributes: string) => `<svg role="img"${attributes}>${title}`);
  return named.toWellFormed().replaceAll(NOT_IN_XML, "");
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: XML has no way of writing these.
const NOT_IN_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;
const ESCAPES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

export function escaped(text: string): string {
  return text.replaceAll(/[&<>"]/g, (character) => ESCAPES[character] ?? "");
}
