// Above the table: which jobs, which columns, and what to do with all of them.
import { ActionIcon, Button } from '@mantine/core';
import { IconDownload, IconPlus } from '@tabler/icons-react';

import type { CountsShape } from '../../contract/index.ts';
import { ColumnChooser } from './column-chooser.tsx';
import { metricsOf } from './columns.ts';
import { ExportMenu } from './export-menu.tsx';
import { MatrixFilter, SearchField, StatusButtons } from './filter-bar.tsx';
import { jobsQuery, type JobsSearch } from './jobs-search.ts';
import type { Columns } from './use-columns.ts';
import { filterOf } from './use-selection.ts';
import { ViewsMenu } from './views-menu.tsx';

interface Props {
  readonly experiment: string;
  readonly counts: CountsShape | undefined;
  readonly search: JobsSearch;
  readonly columns: Columns;
  readonly onSearch: (text: string) => void;
  /** Null for those who may not. */
  readonly openAdd: (() => void) | null;
}

export function Toolbar({ experiment, counts, search, columns, onSearch, openAdd }: Props) {
  const { status, search: text, matrix } = search;
  return (
    <div className="dr-toolbar">
      <StatusButtons experiment={experiment} counts={matrix === undefined ? counts : undefined} search={search} />
      <MatrixFilter experiment={experiment} search={search} />
      <ViewsMenu experiment={experiment} search={search} columns={columns.chosen} />
      <SearchField search={search} onSearch={onSearch} />
      <div className="dr-toolbar-end">
        <ExportMenu
          experiment={experiment}
          filter={filterOf(jobsQuery(search))}
          metrics={metricsOf(columns.chosen)}
          title={status === undefined && text === undefined && matrix === undefined ? 'Export all jobs' : 'Export all jobs that fit'}
        >
          <ActionIcon variant="default" size={30} aria-label="Export" title="Export">
            <IconDownload size={16} />
          </ActionIcon>
        </ExportMenu>
        <ColumnChooser experiment={experiment} columns={columns} />
        {openAdd === null ? null : (
          <Button leftSection={<IconPlus size={14} />} onClick={openAdd}>
            Add jobs
          </Button>
        )}
      </div>
    </div>
  );
}
