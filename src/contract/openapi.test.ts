import { describe, expect, test } from 'vitest';

import { REFUSALS } from '../core/refusal.ts';
import { contract, openApiDocument, type Endpoint, type OpenApiOperation } from './index.ts';

const document = openApiDocument('1.2.3');

const operations: [string, string, OpenApiOperation][] = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]): [string, string, OpenApiOperation] => [path, method, operation]),
);

/** Every object in the document, with where it stands. */
function* walk(node: unknown, at = '#'): Generator<{ at: string; node: Record<string, unknown> }> {
  if (typeof node !== 'object' || node === null) return;
  if (!Array.isArray(node)) yield { at, node: node as Record<string, unknown> };
  for (const [name, value] of Object.entries(node)) yield* walk(value, `${at}/${name}`);
}

function resolve(reference: string): unknown {
  let node: unknown = document;
  for (const name of reference.slice(2).split('/')) node = (node as Record<string, unknown> | undefined)?.[name];
  return node;
}

describe('the OpenAPI document', () => {
  test('holds every endpoint of the contract once', () => {
    const endpoints = Object.entries(contract).flatMap(([group, entries]) => Object.keys(entries).map((name) => `${group}.${name}`));
    const ids = operations.map(([, , operation]) => operation.operationId);
    expect(ids.toSorted()).toEqual(endpoints.toSorted());
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('is plain JSON and carries the version', () => {
    expect(JSON.parse(JSON.stringify(document))).toEqual(document);
    expect(document.openapi).toBe('3.1.0');
    expect(document.info.version).toBe('1.2.3');
  });

  test.each(operations)('%s %s declares exactly the parameters of its path', (path, _method, operation) => {
    const inPath = [...path.matchAll(/\{([^}]+)\}/g)].map((match) => match[1]);
    const declared = operation.parameters.filter((parameter) => parameter.in === 'path');
    expect(declared.map((parameter) => parameter.name)).toEqual(inPath);
    expect(declared.every((parameter) => parameter.required)).toBe(true);
    expect(path).not.toContain(':');
  });

  test('every reference leads somewhere, and no definition is left behind', () => {
    const references = [...walk(document)].filter(({ node }) => typeof node['$ref'] === 'string');
    expect(references.length).toBeGreaterThan(20);
    for (const { at, node } of references) expect(resolve(node['$ref'] as string), `${at} → ${String(node['$ref'])}`).toBeDefined();
    for (const { at, node } of walk(document)) expect(Object.keys(node), at).not.toContain('$defs');
  });

  test('the shared components are the named things, and the self-referring one is any JSON value', () => {
    expect(Object.keys(document.components.schemas)).toEqual(
      expect.arrayContaining(['Problem', 'Job', 'Experiment', 'Worker', 'Attempt', 'Artifact', 'Event', 'JsonValue']),
    );
    const types = (document.components.schemas['JsonValue'] as { anyOf: { type: string }[] }).anyOf.map((part) => part.type);
    expect(types).toEqual(['string', 'number', 'boolean', 'null', 'array', 'object']);
  });

  test.each(operations)('%s %s says who may call it and which refusals it gives', (_path, _method, operation) => {
    const [group, name] = operation.operationId.split('.') as [keyof typeof contract, string];
    const endpoint = (contract[group] as Record<string, Endpoint>)[name]!;
    expect(operation['x-drover-access']).toBe(endpoint.access);
    expect(operation.security.length > 0).toBe(endpoint.access !== 'none');
    for (const scheme of operation.security.flatMap((one) => Object.keys(one))) expect(document.components.securitySchemes).toHaveProperty(scheme);
    for (const code of endpoint.errors) expect(JSON.stringify(operation.responses[String(REFUSALS[code].status)])).toContain(`"${code}"`);
    expect(operation.responses[String(endpoint.success)]).toBeDefined();
  });

  test.each(operations)('%s %s has a body exactly where one is sent', (_path, method, operation) => {
    expect(operation.requestBody !== undefined).toBe(method !== 'get' && method !== 'delete');
  });

  test('a field with a default is optional in a request and present in a reply', () => {
    const body = document.paths['/experiments/{experiment}/jobs']!['post']!.requestBody as { content: Record<string, { schema: { required?: string[] } }> };
    expect(body.content['application/json']!.schema.required ?? []).not.toContain('dry_run');
    expect((document.components.schemas['Job'] as { required: string[] }).required).toContain('tags');
  });

  test('files and streams have media types of their own', () => {
    const content = (path: string, method: string): string => JSON.stringify(document.paths[path]![method]);
    expect(content('/events', 'get')).toContain('text/event-stream');
    expect(content('/attempt/artifacts/{name}', 'put')).toContain('application/octet-stream');
    expect(content('/experiments/{experiment}/jobs/{number}/log', 'get')).toContain('application/octet-stream');
  });
});
