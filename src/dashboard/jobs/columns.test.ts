import { expect, test } from 'vitest';

import { LIMITS } from '../../core/limits.ts';
import { columnTitle, DEFAULT_COLUMNS, isDefault, JOB_COLUMN_TITLES, metricsOf, orderedColumns, readColumns, writeColumns, type ColumnId } from './columns.ts';

test('columns survive the way through a URL, whatever a metric is called', () => {
  const columns: ColumnId[] = ['params', 'status', 'param:lr', 'metric:val,100% loss', 'metric:損失', 'duration'];
  expect(readColumns(writeColumns(columns))).toEqual(columns);
  expect(metricsOf(columns)).toEqual(['val,100% loss', '損失']);
  expect(columns.map(columnTitle)).toEqual(['Parameters', 'Status', 'lr', 'val,100% loss', '損失', 'Duration']);
});

test('what is no column is left out, each stands once, and their order is ours', () => {
  expect(readColumns('duration,colour,metric:,param:a b,toString,params,metric:x,params,%zz')).toEqual(['params', 'metric:x', 'duration']);
  expect(readColumns('colour')).toBe(undefined);
  expect(readColumns('')).toBe(undefined);
  expect(orderedColumns([7, null, 'status'])).toEqual(['status']);
  expect(orderedColumns([...DEFAULT_COLUMNS].reverse())).toEqual(DEFAULT_COLUMNS);
  expect(isDefault(orderedColumns(DEFAULT_COLUMNS))).toBe(true);
});

test('there are so many columns and no more', () => {
  const many = [...Object.keys(JOB_COLUMN_TITLES), ...Array.from({ length: 60 }, (_, index) => [`metric:m${index}`, `param:p${index}`]).flat()];
  expect(metricsOf(orderedColumns(many))).toHaveLength(LIMITS.latest_metrics.value);
  expect(orderedColumns(many)).toHaveLength(LIMITS.table_columns.value);
});
