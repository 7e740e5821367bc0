// Saves what a page made as a file, and a chart as a picture with its title, as it would stand in a report.
import type { EChartsType } from 'echarts/core';

import type { ChartColours } from './chart-colours.ts';

export function saveFile(name: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser has taken the content over by the next turn.
  setTimeout(() => URL.revokeObjectURL(url));
}

export function saveCsv(name: string, text: string): void {
  // The mark at the beginning tells spreadsheets that it is UTF-8.
  saveFile(`${name}.csv`, new Blob(['\uFEFF', text], { type: 'text/csv;charset=utf-8' }));
}

const SCALE = 2;
const HEAD = 56;
const MARGIN = 16;

export interface Picture {
  readonly name: string;
  readonly title: string;
  readonly subtitle: string;
  readonly colours: ChartColours;
}

export function savePicture(chart: EChartsType, { name, title, subtitle, colours }: Picture): void {
  const drawn = chart.renderToCanvas({ pixelRatio: SCALE, backgroundColor: colours.surface });
  const canvas = document.createElement('canvas');
  canvas.width = drawn.width + 2 * MARGIN * SCALE;
  canvas.height = drawn.height + (HEAD + 2 * MARGIN) * SCALE;
  const pen = canvas.getContext('2d');
  if (pen === null) return;
  const family = getComputedStyle(document.body).fontFamily;
  pen.fillStyle = colours.surface;
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.scale(SCALE, SCALE);
  pen.textBaseline = 'top';
  const widest = canvas.width / SCALE - 2 * MARGIN;
  pen.fillStyle = colours.text;
  pen.font = `600 17px ${family}`;
  pen.fillText(title, MARGIN, MARGIN, widest);
  pen.fillStyle = colours.faint;
  pen.font = `12px ${family}`;
  pen.fillText(subtitle, MARGIN, MARGIN + 26, widest);
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.drawImage(drawn, MARGIN * SCALE, (HEAD + MARGIN) * SCALE);
  canvas.toBlob((blob) => {
    if (blob !== null) saveFile(`${name}.png`, blob);
  }, 'image/png');
}
