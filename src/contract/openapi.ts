// The contract table as an OpenAPI 3.1 document: JSON Schema comes from zod itself, everything else from the table.
import * as z from 'zod';

import { REFUSALS, type RefusalCode } from '../core/refusal.ts';
import type { Access, ContractTable, Endpoint } from './endpoint.ts';
import { PROBLEM_TYPE, Problem } from './problem.ts';
import { Artifact, Attempt, Counts, EventRecord, Experiment, Job, RetrySettings, Worker } from './schemas.ts';
import { API_ROOT, contract } from './table.ts';

/** Any JSON; the parts that callers reach into are typed below. */
type JsonNode = { [name: string]: unknown };

interface OpenApiParameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly description?: string;
  readonly schema: JsonNode;
  readonly example?: unknown;
}

export interface OpenApiOperation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly 'x-drover-access': Access;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters: readonly OpenApiParameter[];
  readonly requestBody?: JsonNode;
  readonly responses: Readonly<Record<string, JsonNode>>;
}

interface OpenApiDocument {
  readonly openapi: '3.1.0';
  readonly info: {
    readonly title: string;
    readonly version: string;
    readonly description: string;
    readonly license: { readonly name: string; readonly identifier: string };
  };
  readonly servers: readonly { readonly url: string }[];
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonNode>>; readonly securitySchemes: Readonly<Record<string, JsonNode>> };
}

const SECURITY_SCHEMES: Record<string, JsonNode> = {
  apiKey: { type: 'http', scheme: 'bearer', description: 'An API key, `jd_…`.' },
  session: {
    type: 'apiKey',
    in: 'cookie',
    name: 'drover_session',
    description: 'The dashboard session. The name ends in a part of its own for each server. Writes also need the header `drover-csrf: 1`.',
  },
  agentSecret: { type: 'http', scheme: 'bearer', description: 'The secret that an agent got when it registered, `jda_…`.' },
  attemptToken: { type: 'http', scheme: 'bearer', description: 'The token in `JD_WORKER_TOKEN` of a running job; it opens that attempt only.' },
};

export function openApiDocument(version: string): OpenApiDocument {
  const schemas: Record<string, JsonNode> = { Problem: jsonSchema(Problem, 'output', {}) };
  const paths: Record<string, Record<string, OpenApiOperation>> = {};
  for (const [group, entries] of Object.entries(contract as ContractTable)) {
    for (const [name, endpoint] of Object.entries(entries)) {
      const path = endpoint.path.replace(/:([a-z_]+)/g, '{$1}');
      paths[path] = { ...paths[path], [endpoint.method.toLowerCase()]: operation(group, name, endpoint, schemas) };
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Drover',
      version,
      description: 'A durable queue of parameterised jobs. Refusals are problem JSON (RFC 9457); act on `code` and `retryable`, never on the text.',
      license: { name: 'Apache License 2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: API_ROOT }],
    tags: Object.keys(contract).map((name) => ({ name })),
    paths,
    components: { schemas, securitySchemes: SECURITY_SCHEMES },
  };
}

/** Every refusal that an endpoint may answer with: its own, and those that come with its kind of call. */
function refusalsOf(endpoint: Endpoint): RefusalCode[] {
  const codes = new Set<RefusalCode>(endpoint.errors);
  codes.add('invalid_input');
  if (hasJsonBody(endpoint)) codes.add('malformed_json').add('too_large');
  if (endpoint.access !== 'none') codes.add('unauthenticated').add('forbidden');
  if (endpoint.method !== 'GET' && securityOf(endpoint.access).some((scheme) => 'session' in scheme)) codes.add('csrf');
  if (endpoint.idempotent) codes.add('idempotency_mismatch');
  codes.add('internal').add('unavailable');
  return [...codes].sort((a, b) => REFUSALS[a].status - REFUSALS[b].status || (a < b ? -1 : 1));
}

function operation(group: string, name: string, endpoint: Endpoint, schemas: Record<string, JsonNode>): OpenApiOperation {
  return {
    operationId: `${group}.${name}`,
    tags: [group],
    summary: endpoint.summary,
    ...(endpoint.description === undefined ? {} : { description: endpoint.description }),
    'x-drover-access': endpoint.access,
    security: securityOf(endpoint.access),
    parameters: parametersOf(endpoint, schemas),
    ...requestOf(endpoint, schemas),
    responses: { [endpoint.success]: successOf(endpoint, schemas), ...problemsOf(endpoint) },
  };
}

function securityOf(access: Access): OpenApiOperation['security'] {
  switch (access) {
    case 'none':
      return [];
    case 'agent':
      return [{ agentSecret: [] }];
    case 'attempt':
      return [{ attemptToken: [] }];
    case 'session':
    case 'viewer':
    case 'operator':
    case 'commands':
    case 'owner':
    case 'admin':
      return [{ apiKey: [] }, { session: [] }];
  }
}

function parametersOf(endpoint: Endpoint, schemas: Record<string, JsonNode>): OpenApiParameter[] {
  const parameters = [
    ...parametersFrom('path', endpoint.params, endpoint.example.params, schemas),
    ...parametersFrom('query', endpoint.query, endpoint.example.query, schemas),
  ];
  if (endpoint.idempotent) {
    const description = 'Any text of your own. A repeated call with the same key and body gets the first reply and does nothing more.';
    parameters.push({ name: 'Idempotency-Key', in: 'header', required: false, description, schema: { type: 'string' } });
  }
  return parameters;
}

function parametersFrom(place: 'path' | 'query', schema: z.ZodType, example: unknown, schemas: Record<string, JsonNode>): OpenApiParameter[] {
  const object = jsonSchema(schema, 'input', schemas) as { properties?: Record<string, JsonNode>; required?: string[] };
  const examples = (example ?? {}) as JsonNode;
  return Object.entries(object.properties ?? {}).map(([name, { description, ...rest }]) => ({
    name,
    in: place,
    required: place === 'path' || (object.required?.includes(name) ?? false),
    ...(typeof description === 'string' ? { description } : {}),
    schema: rest,
    ...(examples[name] === undefined ? {} : { example: examples[name] }),
  }));
}

function hasJsonBody(endpoint: Endpoint): boolean {
  return endpoint.transport !== 'upload' && endpoint.method !== 'GET' && endpoint.method !== 'DELETE';
}

function requestOf(endpoint: Endpoint, schemas: Record<string, JsonNode>): { requestBody?: JsonNode } {
  if (endpoint.transport === 'upload') {
    return { requestBody: { required: true, description: 'the file', content: { 'application/octet-stream': { schema: BYTES } } } };
  }
  if (!hasJsonBody(endpoint)) return {};
  const content = { schema: jsonSchema(endpoint.body, 'input', schemas), ...exampleOf(endpoint.example.body) };
  return { requestBody: { required: true, content: { 'application/json': content } } };
}

const BYTES = { type: 'string', format: 'binary' };

function successOf(endpoint: Endpoint, schemas: Record<string, JsonNode>): JsonNode {
  const description = endpoint.success === 201 ? 'Created' : 'Done';
  if (endpoint.transport === 'download') return { description, content: { 'application/octet-stream': { schema: BYTES } } };
  if (endpoint.transport === 'stream') return { description, content: { 'text/event-stream': { schema: { type: 'string' } } } };
  const content = { schema: jsonSchema(endpoint.reply, 'output', schemas), ...exampleOf(endpoint.example.reply) };
  return { description, content: { 'application/json': content } };
}

function exampleOf(example: unknown): { example?: unknown } {
  return example === undefined ? {} : { example };
}

/** One response for each HTTP status, since OpenAPI knows no more than one; its description lists the codes. */
function problemsOf(endpoint: Endpoint): Record<string, JsonNode> {
  const byStatus = new Map<number, RefusalCode[]>();
  for (const code of refusalsOf(endpoint)) byStatus.set(REFUSALS[code].status, [...(byStatus.get(REFUSALS[code].status) ?? []), code]);
  const responses: Record<string, JsonNode> = {};
  for (const [status, codes] of byStatus) {
    const description = codes.map((code) => `\`${code}\`: ${REFUSALS[code].title}`).join('; ');
    const schema = { allOf: [{ $ref: '#/components/schemas/Problem' }, { properties: { code: { enum: codes } } }] };
    responses[status] = { description, content: { [PROBLEM_TYPE]: { schema } } };
  }
  return responses;
}

/** The things that replies share, each a component of its own. Made on call, so that nobody pays who only imports the contract. */
function namedSchemas(): SchemaNames {
  const names: SchemaNames = z.registry();
  for (const [id, schema] of Object.entries({ Artifact, Attempt, Counts, Event: EventRecord, Experiment, Job, RetrySettings, Worker }))
    names.add(schema, { id });
  return names;
}

type SchemaNames = z.core.$ZodRegistry<{ id: string }>;

/** The JSON Schema of a value; definitions it refers to are moved to `schemas`. A field with a default is optional as input only. */
function jsonSchema(schema: z.ZodType, io: 'input' | 'output', schemas: Record<string, JsonNode>): JsonNode {
  const metadata: SchemaNames = io === 'output' ? namedSchemas() : z.registry();
  const { $schema: _dialect, $defs: definitions, ...root } = z.toJSONSchema(schema, { io, metadata, unrepresentable: 'any', override: simplify }) as JsonNode;
  for (const [name, definition] of Object.entries((definitions ?? {}) as Record<string, JsonNode>)) {
    schemas[componentName(name)] ??= withComponentReferences(definition) as JsonNode;
  }
  return withComponentReferences(root) as JsonNode;
}

/** What every reader knows: the bounds of a whole number in JSON, and what a date and time look like. */
function simplify({ jsonSchema: node }: { jsonSchema: JsonNode }): void {
  if (node['maximum'] === Number.MAX_SAFE_INTEGER) delete node['maximum'];
  if (node['minimum'] === Number.MIN_SAFE_INTEGER) delete node['minimum'];
  if (node['format'] === 'date-time') delete node['pattern'];
}

/** The only schema without a name that refers to itself is "any JSON value". */
function componentName(name: string): string {
  return name.startsWith('__schema') ? 'JsonValue' : name;
}

function withComponentReferences(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(withComponentReferences);
  if (typeof node !== 'object' || node === null) return node;
  return Object.fromEntries(
    Object.entries(node).map(([name, value]) => {
      if (name === 'id' && typeof value === 'string') return [name, value];
      if (name === '$ref' && typeof value === 'string')
        return [name, value.replace(/^#\/\$defs\/(.*)$/, (_, id: string) => `#/components/schemas/${componentName(id)}`)];
      return [name, withComponentReferences(value)];
    }),
  );
}
