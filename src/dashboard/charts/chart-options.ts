// What the options of all charts have in common: one look for axes, legends and tips. Tips are drawn on the canvas, so text from jobs is
// never HTML.
import type { ChartColours } from './chart-colours.ts';

export function frameOption(colours: ChartColours, { legend = true, bottom = 4 }: { readonly legend?: boolean; readonly bottom?: number } = {}) {
  return {
    animation: false,
    color: colours.series,
    textStyle: { color: colours.text, fontFamily: 'inherit' },
    grid: { left: 4, right: 16, top: legend ? 34 : 12, bottom, containLabel: true },
    ...(legend
      ? {
          legend: {
            type: 'plain' as const,
            top: 0,
            left: 0,
            icon: 'roundRect',
            itemWidth: 12,
            itemHeight: 8,
            itemGap: 14,
            textStyle: { color: colours.faint, fontSize: 12 },
            inactiveColor: colours.line,
          },
        }
      : {}),
  };
}

export function tipOption(colours: ChartColours, trigger: 'axis' | 'item') {
  return {
    trigger,
    confine: true,
    backgroundColor: colours.surface,
    borderColor: colours.line,
    textStyle: { color: colours.text, fontSize: 12 },
    axisPointer: { type: 'shadow' as const, shadowStyle: { color: colours.grid, opacity: 0.6 } },
    renderMode: 'richText' as const,
  };
}

export interface AxisLook {
  readonly name?: string;
  readonly log?: boolean;
  /** Begin at the smallest value instead of zero. */
  readonly scale?: boolean;
  readonly format?: (value: number) => string;
}

export function valueAxis(colours: ChartColours, { name, log = false, scale = false, format }: AxisLook = {}) {
  return {
    type: log ? ('log' as const) : ('value' as const),
    scale,
    ...(name === undefined ? {} : { name, nameLocation: 'middle' as const, nameGap: 30, nameTextStyle: { color: colours.faint, fontSize: 12 } }),
    axisLine: { show: false, lineStyle: { color: colours.line } },
    axisTick: { show: false },
    axisLabel: { color: colours.faint, fontSize: 11, hideOverlap: true, ...(format === undefined ? {} : { formatter: (value: number) => format(value) }) },
    splitNumber: 4,
    splitLine: { lineStyle: { color: colours.grid } },
    minorSplitLine: { show: false },
  };
}

export function categoryAxis(colours: ChartColours, data: readonly string[], { name, widest }: { readonly name?: string; readonly widest?: number } = {}) {
  return {
    type: 'category' as const,
    data: [...data],
    ...(name === undefined ? {} : { name, nameLocation: 'middle' as const, nameGap: 30, nameTextStyle: { color: colours.faint, fontSize: 12 } }),
    axisLine: { lineStyle: { color: colours.line } },
    axisTick: { show: false },
    axisLabel: { color: colours.faint, fontSize: 11, hideOverlap: true, ...(widest === undefined ? {} : { width: widest, overflow: 'truncate' as const }) },
    splitLine: { show: false },
  };
}
