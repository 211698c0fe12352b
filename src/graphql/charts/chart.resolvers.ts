import { cohortsChart, funnelChart, lifecycleChart, metricsChart, placesChart } from "../../analytics/index.js";
import { PublicError } from "../../base/errors.js";
import type { Size } from "../../charts/index.js";
import { chartOption, describe, isEmptyChart, type Look, lookOf } from "../../domain/charts/index.js";
import type { ChartTheme, Resolvers } from "../generated.js";

interface DrawingArgs extends Size {
  readonly theme: ChartTheme;
}

const SIDE = { least: 100, most: 4000 };

function drawingOf({ theme, width, height }: DrawingArgs): [Look, Size] {
  for (const [field, value] of Object.entries({ width, height })) {
    if (value >= SIDE.least && value <= SIDE.most) continue;
    throw new PublicError(
      "BAD_USER_INPUT",
      `${field} must be from ${SIDE.least} to ${SIDE.most} pixels, got ${value}`,
      {
        field,
      },
    );
  }
  return [lookOf(theme), { width, height }];
}

export const chartResolvers = {
  Chart: {
    description: (chart) => describe(chart),
    empty: (chart) => isEmptyChart(chart),
    data: (chart) => ({ ...chart }),
    option: (chart, { theme }) => chartOption(chart, lookOf(theme)),
    svg: (chart, args, { services }) => services.charts.svg(chart, ...drawingOf(args)),
    png: async (chart, args, { services }) => {
      const image = await services.charts.png(chart, ...drawingOf(args));
      return image.toString("base64");
    },
    html: (chart, args, { services }) => services.charts.html(chart, ...drawingOf(args)),
  },
  MetricsAnswer: { chart: ({ answer }, { type, title }) => metricsChart(answer, type, title) },
  Funnel: { chart: ({ answer }, { title }) => funnelChart(answer, title) },
  Cohorts: { chart: ({ answer }, { title }) => cohortsChart(answer, title) },
  Lifecycle: { chart: ({ answer }, { title }) => lifecycleChart(answer, title) },
  Geography: { chart: ({ places }, { title }) => placesChart(places, title) },
} satisfies Resolvers;
