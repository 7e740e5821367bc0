// The parts of ECharts that only the charts page draws: loaded with it.
import { BarChart, BoxplotChart, CustomChart, ParallelChart, ScatterChart } from 'echarts/charts';
import { LegendComponent, ParallelComponent } from 'echarts/components';
import { use } from 'echarts/core';

use([BarChart, BoxplotChart, CustomChart, ParallelChart, ScatterChart, LegendComponent, ParallelComponent]);

export { Chart } from './chart.tsx';
