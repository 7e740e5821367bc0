// `drover job …`.
import { addGroup, type AddCommand } from '../command.ts';
import { addJobAdd } from './job-add.ts';
import { addJobChanges } from './job-change.ts';
import { addJobClones } from './job-clone.ts';
import { addJobCopy } from './job-cp.ts';
import { addJobEdit } from './job-edit.ts';
import { addJobExport } from './job-export.ts';
import { addJobFile, addJobFiles } from './job-files.ts';
import { addJobList } from './job-ls.ts';
import { addJobLog } from './job-log.ts';
import { addJobMetrics } from './job-metrics.ts';
import { addJobShow } from './job-show.ts';
import { addJobStat } from './job-stat.ts';

export const addJob: AddCommand = (program, dependencies) => {
  const group = addGroup(program, 'job', 'Add, list, show, edit, clone, cancel and requeue jobs; read their logs, files and metrics; export them');
  addJobAdd(group, dependencies);
  addJobList(group, dependencies);
  addJobShow(group, dependencies);
  addJobLog(group, dependencies);
  addJobFiles(group, dependencies);
  addJobFile(group, dependencies);
  addJobMetrics(group, dependencies);
  addJobExport(group, dependencies);
  addJobEdit(group, dependencies);
  addJobStat(group, dependencies);
  addJobCopy(group, dependencies);
  addJobClones(group, dependencies);
  addJobChanges(group, dependencies);
};
