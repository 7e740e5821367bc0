import { expect, test } from 'vitest';

import { doneText, previewText, type BulkReply } from './bulk-text.ts';

const reply = (over: Partial<BulkReply>): BulkReply => ({
  ...{ action: 'hold', dry_run: true, matched: 3, changed: 3, refused: {}, jobs: '1-3', operation: null },
  ...over,
});

test('says what will become of how many jobs, and why others stay', () => {
  expect(previewText(reply({}))).toEqual({ title: '3 jobs will be held.', left: [] });
  expect(previewText(reply({ matched: 1_205, changed: 1_200, refused: { job_not_pending: 5 } }))).toEqual({
    title: '1,200 of 1,205 jobs will be held.',
    left: ['5 are not pending and stay as they are'],
  });
  expect(previewText(reply({ action: 'requeue', matched: 1, changed: 0, refused: { job_not_ended: 1 } })).title).toBe(
    'The job will not go back into the queue.',
  );
  expect(previewText(reply({ matched: 0, changed: 0 })).title).toBe('No job fits any more.');
});

test('says who has a tag already, or does not have it', () => {
  expect(previewText(reply({ action: 'add_tags', matched: 9, changed: 5, refused: { too_many: 1 } }))).toEqual({
    title: '5 of 9 jobs will be tagged.',
    left: ['1 would have too many tags and stays as it is', '3 have all of them already'],
  });
  expect(previewText(reply({ action: 'remove_tags', matched: 1, changed: 0 }))).toEqual({ title: 'The job will not lose tags.', left: ['1 has none of them'] });
});

test('says what was done', () => {
  expect(doneText(reply({ action: 'cancel', matched: 1, changed: 1 }))).toBe('Cancelled 1 job');
  expect(doneText(reply({ action: 'set_priority', matched: 4, changed: 3, refused: { job_not_pending: 1 } }))).toBe(
    'Set the priority of 3 of 4 jobs. 1 was not pending and stayed as it was',
  );
});
