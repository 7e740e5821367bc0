import { describe, expect, test } from 'vitest';

import { REFUSALS } from '../core/refusal.ts';
import { contract, type Endpoint } from './index.ts';

const endpoints = Object.entries(contract).flatMap(([group, entries]) =>
  Object.entries(entries).map(([name, endpoint]): [string, Endpoint] => [`${group}.${name}`, endpoint as Endpoint]),
);

const PARTS = ['params', 'query', 'body', 'reply'] as const;

describe('every endpoint', () => {
  test.each(endpoints)('%s has an example that its own schemas accept', (_name, endpoint) => {
    for (const part of PARTS) {
      const isBytes = part === 'reply' && (endpoint.transport === 'download' || endpoint.transport === 'stream');
      if (isBytes) continue;
      const result = endpoint[part].safeParse(endpoint.example[part] ?? {});
      expect(result.success ? [] : result.error.issues, part).toEqual([]);
    }
  });

  test.each(endpoints)('%s shows in its example what a call needs', (_name, endpoint) => {
    const inPath = [...endpoint.path.matchAll(/:([a-z_]+)/g)].map((match) => match[1]!);
    expect(Object.keys(endpoint.example.params ?? {}).toSorted()).toEqual(inPath.toSorted());
    const sendsJson = endpoint.transport !== 'upload' && endpoint.method !== 'GET' && endpoint.method !== 'DELETE';
    if (!sendsJson) expect(endpoint.example.body).toBeUndefined();
    if (endpoint.transport === 'json') expect(endpoint.example.reply).toBeDefined();
  });

  test.each(endpoints)('%s refuses unknown fields where something is created or changed by a person', (_name, endpoint) => {
    const byPerson = endpoint.access !== 'agent' && endpoint.access !== 'attempt' && endpoint.path !== '/agents';
    if (!byPerson || Object.keys((endpoint.example.body ?? {}) as object).length === 0) return;
    const result = endpoint.body.safeParse({ ...(endpoint.example.body as object), surprise: 1 });
    expect(result.success).toBe(false);
  });

  test.each(endpoints.filter(([, endpoint]) => endpoint.access === 'agent'))('%s ignores fields of a neighbouring version', (_name, endpoint) => {
    expect(endpoint.body.safeParse({ ...(endpoint.example.body as object), surprise: 1 }).success).toBe(true);
    expect(endpoint.reply.safeParse({ ...(endpoint.example.reply as object), surprise: 1 }).success).toBe(true);
  });

  test.each(endpoints)('%s lists refusals of the table, each once, and ends its summary without a full stop', (_name, endpoint) => {
    expect(endpoint.errors.filter((code) => !Object.hasOwn(REFUSALS, code))).toEqual([]);
    expect(new Set(endpoint.errors).size).toBe(endpoint.errors.length);
    expect(endpoint.summary).toMatch(/^[A-Z].*[^.]$/);
  });
});

test('no two endpoints answer the same method and path', () => {
  const places = endpoints.map(([, { method, path }]) => `${method} ${path.replace(/:[a-z_]+/g, ':')}`);
  expect(places.filter((place, index) => places.indexOf(place) !== index)).toEqual([]);
});
