// `drover job …`.
import { addGroup, type AddCommand } from '../command.ts';
import { addJobAdd } from './job-add.ts';
import { addJobChanges } from './job-change.ts';
import { addJobList } from './job-ls.ts';
import { addJobLog } from './job-log.ts';
import { addJobShow } from './job-show.ts';

export const addJob: AddCommand = (program, dependencies) => {
  const group = addGroup(program, 'job', 'Add, list, show, cancel and requeue jobs; read their logs');
  addJobAdd(group, dependencies);
  addJobList(group, dependencies);
  addJobShow(group, dependencies);
  addJobLog(group, dependencies);
  addJobChanges(group, dependencies);
};
