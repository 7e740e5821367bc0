// A square of numbers with the larger ones darker: a confusion matrix at a glance. The numbers themselves stay to be read.
import type { CSSProperties } from 'react';

import { numberText } from '../charts/chart-table.ts';
import { ScrollRegion } from '../components/scroll-region.tsx';
import type { SquareTable } from './table-text.ts';

export function HeatMap({ square, name }: { readonly square: SquareTable; readonly name: string }) {
  const largest = Math.max(...square.values.flat().map(Math.abs), Number.MIN_VALUE);
  return (
    <ScrollRegion className="dr-preview-table" label={`${name} as a heat map`}>
      <table className="dr-heat">
        <thead>
          <tr>
            <td>{square.corner}</td>
            {square.columns.map((column, index) => (
              <th key={index} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {square.values.map((row, at) => (
            <tr key={at}>
              <th scope="row">{square.rows[at]}</th>
              {row.map((value, index) => (
                <td
                  key={index}
                  className="dr-num"
                  data-negative={value < 0 ? true : undefined}
                  style={{ '--heat': Math.abs(value) / largest } as CSSProperties}
                  title={`${square.rows[at]}, ${square.columns[index]}: ${value}`}
                >
                  {numberText(value)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollRegion>
  );
}
