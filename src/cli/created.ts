// What was created, or would be: said the same way after `job add` and `matrix add`.
import { parseTemplate, renderTemplate } from '../core/template.ts';
import type { Params } from '../core/params.ts';
import type { FrozenVariables } from '../core/variables.ts';
import type { ApiClient } from './connection.ts';
import { paramsText } from './job-list.ts';
import type { Block, View } from './output.ts';

export type CreatedReply = Awaited<ReturnType<ApiClient['jobs']['create']>>;

export function createdView(reply: CreatedReply, experiment: string, command: string | null): View {
  return {
    json: reply,
    ids: references(reply, experiment),
    blocks: reply.dry_run ? previewBlocks(reply, command) : [{ text: createdText(reply, experiment) }],
  };
}

function* references({ from, to }: CreatedReply, experiment: string): Generator<string> {
  if (from === null || to === null) return;
  for (let number = from; number <= to; number += 1) yield `${experiment}/${number}`;
}

function createdText(reply: CreatedReply, experiment: string): string {
  const jobs = reply.created === 1 ? 'job' : `${reply.created.toLocaleString('en-US')} jobs`;
  const range = reply.from === reply.to ? `${reply.from}` : `${reply.from}-${reply.to}`;
  return `Created ${jobs} ${experiment}/${range}`;
}

function previewBlocks(reply: CreatedReply, command: string | null): Block[] {
  const size = reply.created.toLocaleString('en-US');
  const more = reply.created > reply.sample.length && reply.sample.length > 0;
  const rows = reply.sample.map((params) => [paramsText(params), commandLine(command, params as Params, reply.variables)]);
  return [
    {
      table: {
        columns: [
          { title: 'PARAMS', shrinks: true },
          { title: 'COMMAND', shrinks: true },
        ],
        rows,
      },
    },
    { text: `${more ? `The first ${rows.length} of ${size}. ` : ''}${size} ${reply.created === 1 ? 'job' : 'jobs'} would be created; nothing was.` },
  ];
}

function commandLine(command: string | null, params: Params, variables: FrozenVariables): string {
  if (command === null) return '(script of the worker)';
  const parsed = parseTemplate(command, new Set([...Object.keys(params), ...Object.keys(variables)]));
  return 'template' in parsed ? renderTemplate(parsed.template, params, variables) : command;
}
