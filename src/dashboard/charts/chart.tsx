// ECharts in a component: only the parts that the dashboard draws, sized by its box, coloured by the theme.
import { VisuallyHidden } from '@mantine/core';
import { LineChart } from 'echarts/charts';
import { GridComponent, TooltipComponent } from 'echarts/components';
import { init, use, type EChartsCoreOption, type EChartsType } from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';
import { useEffect, useRef } from 'react';

use([LineChart, GridComponent, TooltipComponent, CanvasRenderer]);

interface Props {
  readonly option: EChartsCoreOption;
  readonly height: number;
  /** What the chart shows, for those who cannot see it. */
  readonly label: string;
  /** Called with the chart when it was made, to listen to it; what it returns is called before the chart goes. */
  readonly onMade?: ((chart: EChartsType) => (() => void) | void) | undefined;
  /** Only the series are replaced by a new option: what a person did to the axes stays. */
  readonly keepAxes?: boolean;
}

export function Chart({ option, height, label, onMade, keepAxes = false }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<EChartsType | null>(null);
  const made = useRef(onMade);
  useEffect(() => {
    made.current = onMade;
  }, [onMade]);
  useEffect(() => {
    if (box.current === null) return;
    const own = init(box.current);
    chart.current = own;
    const undo = made.current?.(own);
    const observer = new ResizeObserver(() => own.resize());
    observer.observe(box.current);
    return () => {
      observer.disconnect();
      undo?.();
      own.dispose();
      chart.current = null;
    };
  }, []);
  useEffect(() => {
    chart.current?.setOption(option, keepAxes ? { replaceMerge: ['series'], lazyUpdate: true } : { notMerge: true, lazyUpdate: true });
  }, [option, keepAxes]);
  return (
    <>
      <VisuallyHidden>{label}</VisuallyHidden>
      <div ref={box} aria-hidden style={{ height, width: '100%' }} />
    </>
  );
}
