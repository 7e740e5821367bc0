// Saving jobs as a file, with the metrics that the table shows. The browser downloads it as it comes, however long it is.
import { Menu } from '@mantine/core';
import { IconFileTypeCsv, IconJson } from '@tabler/icons-react';
import type { ReactElement } from 'react';

import { exportUrl } from '../api.ts';
import type { NamedJobs } from './selection.ts';

interface Props {
  readonly experiment: string;
  readonly filter: NamedJobs;
  readonly metrics: readonly string[];
  readonly title: string;
  /** The button that opens it. */
  readonly children: ReactElement;
}

const FORMATS = [
  { format: 'csv', label: 'CSV, for spreadsheets and pandas', icon: IconFileTypeCsv },
  { format: 'jsonl', label: 'JSON lines, for programs', icon: IconJson },
] as const;

export function ExportMenu({ experiment, filter, metrics, title, children }: Props) {
  return (
    <Menu position="bottom-end" width={260} shadow="md">
      <Menu.Target>{children}</Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{title}</Menu.Label>
        {FORMATS.map(({ format, label, icon: Symbol }) => (
          <Menu.Item key={format} component="a" href={exportUrl({ experiment, filter, metrics, format })} download leftSection={<Symbol size={16} />}>
            {label}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
