// `drover matrix …`.
import { addGroup, type AddCommand } from '../command.ts';
import { addMatrixAdd } from './matrix-add.ts';
import { addMatrixCsv, addMatrixList, addMatrixStat } from './matrix-ls.ts';

export const addMatrix: AddCommand = (program, dependencies) => {
  const group = addGroup(program, 'matrix', 'Add one job per combination of values, and see how far they are');
  addMatrixAdd(group, dependencies);
  addMatrixList(group, dependencies);
  addMatrixStat(group, dependencies);
  addMatrixCsv(group, dependencies);
};
