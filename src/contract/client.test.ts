import { describe, expect, test } from 'vitest';

import { Refusal } from '../core/refusal.ts';
import type { FetchReply, FetchRequest } from './client.ts';
import { ApiError, contract, createClient, toProblem } from './index.ts';

interface Sent extends FetchRequest {
  readonly url: string;
}

/** A network of one reply, which notes what was sent. */
function network(status: number, body: unknown, headers: Record<string, string> = {}) {
  const sent: Sent[] = [];
  const fetch = (url: string, request: FetchRequest): Promise<FetchReply> => {
    sent.push({ url, ...request });
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return Promise.resolve({ status, headers: { get: (name) => headers[name] ?? null }, text: () => Promise.resolve(text) });
  };
  return { sent, client: createClient(contract, { base_url: 'http://server', fetch, headers: { authorization: 'Bearer jd_x' } }) };
}

async function failure(call: Promise<unknown>): Promise<ApiError> {
  const error: unknown = await call.then(() => null).catch((reason: unknown) => reason);
  if (!(error instanceof ApiError)) throw new Error(`expected an ApiError, got ${String(error)}`);
  return error;
}

describe('what is sent', () => {
  test('path and query are encoded, lists repeated, nothing sent for what is not given', async () => {
    const { sent, client } = network(200, contract.jobs.list.example.reply);
    await client.jobs.list({ params: { experiment: 'digits-tune' }, query: { status: ['pending', 'running'], search: 'a b&c=ä', cursor: undefined } as never });
    expect(sent[0]?.url).toBe('http://server/api/v1/experiments/digits-tune/jobs?status=pending&status=running&search=a%20b%26c%3D%C3%A4');
    expect(sent[0]).toMatchObject({ method: 'GET', headers: { authorization: 'Bearer jd_x' } });
    expect(sent[0]).not.toHaveProperty('body');
  });

  test('a name with a slash stays one part of the path', async () => {
    const { sent, client } = network(200, '');
    await client.results.download({ params: { experiment: 'digits-tune', number: 1, name: '../a/b' } });
    expect(sent[0]?.url).toBe('http://server/api/v1/experiments/digits-tune/jobs/1/artifacts/..%2Fa%2Fb');
  });

  test('a body is JSON, and a key makes the call safe to repeat', async () => {
    const { sent, client } = network(201, contract.experiments.create.example.reply);
    await client.experiments.create({ body: { name: 'digits-tune' } }, { idempotency_key: 'k1' });
    expect(sent[0]).toMatchObject({ method: 'POST', body: '{"name":"digits-tune"}', headers: { 'content-type': 'application/json', 'idempotency-key': 'k1' } });
  });

  test('an upload is handed on as it is', async () => {
    const { sent, client } = network(200, contract.results.storeArtifact.example.reply);
    const content = new Uint8Array([1, 2, 3]);
    await client.results.storeArtifact({ params: { name: 'a.bin' } }, { content });
    expect(sent[0]?.body).toBe(content);
    expect(sent[0]?.headers['content-type']).toBeUndefined();
  });
});

describe('what comes back', () => {
  const get = (client: ReturnType<typeof network>['client']): Promise<unknown> => client.experiments.get({ params: { experiment: 'digits-tune' } });

  test('a reply is parsed, and fields of a newer server are no problem', async () => {
    const { client } = network(200, { ...(contract.experiments.get.example.reply as object), newer: 1 });
    expect(await get(client)).toMatchObject({ name: 'digits-tune' });
  });

  test('a refusal becomes an ApiError with code, sentence and how long to wait', async () => {
    const { client } = network(429, toProblem(new Refusal('rate_limited', 'Wait a minute.'), 'r1'), { 'retry-after': '60' });
    const error = await failure(get(client));
    expect(error).toMatchObject({ status: 429, code: 'rate_limited', retryable: true, message: 'Wait a minute.', retry_after_seconds: 60 });
    expect(error.problem?.request_id).toBe('r1');
  });

  test.each([
    [502, '<html>Bad gateway</html>', true],
    [404, 'nothing here', false],
    [500, '{"code":"made_up","type":"x","title":"x","status":500,"retryable":false,"detail":"x"}', true],
  ])('a %i that is not ours is unexpected, retryable only if a repeat may help', async (status, body, retryable) => {
    const error = await failure(get(network(status, body).client));
    expect(error).toMatchObject({ status, code: 'unexpected_reply', retryable });
  });

  test.each(['not json', '{"name": 5}', '[]'])('a reply that is not as agreed is unexpected: %s', async (body) => {
    expect(await failure(get(network(200, body).client))).toMatchObject({ code: 'unexpected_reply', retryable: false });
  });

  test('no answer at all is unreachable, with the cause', async () => {
    const fetch = (): Promise<FetchReply> => Promise.reject(new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') }));
    const client = createClient(contract, { base_url: '', fetch });
    const error = await failure(client.server.status({}));
    expect(error).toMatchObject({ status: 0, code: 'unreachable', retryable: true });
    expect(error.message).toContain('ECONNREFUSED');
  });

  test('a refused download is an ApiError too', async () => {
    const { client } = network(404, toProblem(new Refusal('artifact_not_found', 'There is none.')));
    expect(await failure(client.results.latestCheckpoint({}))).toMatchObject({ code: 'artifact_not_found' });
  });
});
