// Colours of charts for each scheme; the canvas cannot read the page's variables.
export type Scheme = 'light' | 'dark';

export interface ChartColours {
  readonly text: string;
  readonly faint: string;
  readonly line: string;
  readonly grid: string;
  readonly surface: string;
  /** Told apart also by people who do not see all colours. */
  readonly series: string[];
  readonly done: string;
  readonly aborted: string;
  readonly waiting: string;
  readonly running: string;
  /** What is worse than what is marked. */
  readonly weak: string;
}

export function chartColours(scheme: Scheme): ChartColours {
  return scheme === 'dark'
    ? {
        text: '#d3d8e0',
        faint: '#99a2b0',
        line: '#3a424f',
        grid: '#252b35',
        surface: '#21262f',
        done: '#2f9d65',
        aborted: '#d9534b',
        waiting: '#5d6878',
        running: '#6883ee',
        weak: '#4a5362',
        series: ['#8aa2f5', '#f0a35e', '#5fcf95', '#dc9bf0', '#e8c266', '#6fd0de'],
      }
    : {
        text: '#1b1f26',
        faint: '#5c6572',
        line: '#c2c8d1',
        grid: '#eceef2',
        surface: '#ffffff',
        done: '#35a56b',
        aborted: '#e0554d',
        waiting: '#b4bcc8',
        running: '#5a76e6',
        weak: '#c2c8d1',
        series: ['#3650c4', '#c2610c', '#17733f', '#8a2a9a', '#8a6100', '#08697a'],
      };
}
