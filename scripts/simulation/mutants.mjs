// Guards of the product, each as the change that switches it off. `npm run simulate -- --self-check` shows that the simulation misses every one.

export const MUTANTS = [
  {
    name: 'fencing of ends',
    edits: [
      {
        file: 'src/core/attempt.ts',
        find: "if (attempt.outcome === null && newest && job.status === 'running') return end(facts);",
        replace: "if (newest || job.status === 'running') return end(facts);",
      },
    ],
  },
  {
    name: 'revision of a late success',
    edits: [
      {
        file: 'src/core/attempt.ts',
        find: 'attempt.attempt === job.attempts &&\n    attempt.revision === job.revision\n  );',
        replace: 'attempt.attempt === job.attempts\n  );',
      },
    ],
  },
  {
    name: 'full terms after down time',
    edits: [
      {
        file: 'src/core/liveness.ts',
        find: "if (swept_at === null || own === null) return 'restart';",
        replace: "if (swept_at === null || own === null) return 'keep';",
      },
    ],
  },
  {
    name: 'loss of the silent',
    edits: [{ file: 'src/core/liveness.ts', find: "if (silent >= Math.max(term.lost_after_ms, term.next_sync_within_ms)) return 'lost';", replace: '' }],
  },
  {
    name: 'reconciliation of what an agent does not list',
    edits: [{ file: 'src/store/sync-reconcile.ts', find: '  await judgeMissing(tx, fresh, byAgent, terms);\n', replace: '' }],
  },
  {
    name: 'stale syncs',
    edits: [{ file: 'src/store/sync.ts', find: "if (message.sync_seq <= agent.sync_seq) return 'stale';", replace: '' }],
  },
  {
    name: 'commit before reply',
    edits: [
      {
        file: 'src/store/engine.ts',
        find: "    begin: async () => {\n      await connection.run('begin immediate');\n      return clock.now();\n    },\n    monotonic: () => clock.monotonic(),\n    commit: run('commit'),\n    rollback: run('rollback'),\n    savepoint: run('savepoint unit'),\n    releaseSavepoint: run('release unit'),",
        replace:
          "    begin: async () => { if (!pending.open) await connection.run('begin immediate'); pending.open = true; return clock.now(); },\n    monotonic: () => clock.monotonic(),\n    commit: async () => { pending.count += 1; if (pending.count % 4 === 0) { await connection.run('commit'); pending.open = false; } },\n    rollback: async () => { pending.open = false; await connection.run('rollback'); },\n    savepoint: run('savepoint unit'),\n    releaseSavepoint: run('release unit'),",
      },
      {
        file: 'src/store/engine.ts',
        find: 'const run = (text: string) => async () => {\n    await connection.run(text);\n  };',
        replace: 'const pending = { open: false, count: 0 };\n  const run = (text: string) => async () => {\n    await connection.run(text);\n  };',
      },
    ],
  },
  {
    name: 'counters with the commit',
    edits: [{ file: 'src/store/writer.ts', find: 'if (by === 0) continue;', replace: "if (by === 0 || name === 'aborted') continue;" }],
  },
  {
    name: 'offsets of logs',
    edits: [
      { file: 'src/store/logs.ts', find: 'if (piece.offset > end || newEnd <= end || !Number.isSafeInteger(newEnd)) continue;', replace: '' },
      { file: 'src/store/logs.ts', find: 'const newEnd = piece.offset + (content', replace: 'const newEnd = end + (content' },
      { file: 'src/store/logs.ts', find: 'content.subarray(end - piece.offset)', replace: 'content' },
    ],
  },
  {
    // Two guards hold this promise: batches that are known are left out, and of a batch the points that are known.
    name: 'offsets of metrics',
    edits: [
      { file: 'src/store/metrics.ts', find: 'if (batch.from > end || batch.to <= end) continue;', replace: '' },
      { file: 'src/store/metrics.ts', find: 'if (point.offset < end) continue;', replace: '' },
    ],
  },
  {
    name: 'idempotency keys',
    edits: [{ file: 'src/store/idempotency.ts', find: 'if (taken === 0) {', replace: 'if (taken === 0 && once.route === "") {' }],
  },
  {
    name: 'commands to workers',
    edits: [{ file: 'src/store/sync-commands.ts', find: 'if (!mayTakeJobs(control)) blocked.add(`${row.agent_id}.${row.slot}`);', replace: '' }],
  },
  {
    name: 'commands that a backup forgot',
    edits: [{ file: 'src/store/sync-commands.ts', find: 'heard(row, report)', replace: 'heard(row, { ...report, state: null })' }],
  },
  {
    name: 'holds',
    edits: [
      {
        file: 'src/store/hot.ts',
        find: "where demand_id = ? and status = 'pending' and held_at is null and not_before is null order by",
        replace: "where demand_id = ? and status = 'pending' and not_before is null order by",
      },
    ],
  },
  {
    name: 'order of the queue',
    edits: [{ file: 'src/store/hot.ts', find: 'order by priority desc, id limit ?', replace: 'order by id desc limit ?' }],
  },
  {
    name: 'leases that were taken before',
    edits: [{ file: 'src/agent/workforce.ts', find: 'if (this.#attempts.has(lease.token) || this.#forgotten.has(lease.token)) return false;', replace: '' }],
  },
  {
    name: 'adoption after a restart',
    edits: [
      {
        file: 'src/agent/workforce.ts',
        find: 'for (const stored of store.scan()) {',
        replace: 'for (const stored of [] as ReturnType<typeof store.scan>) {',
      },
    ],
  },
  {
    name: 'patience with a silent server',
    edits: [
      {
        file: 'src/agent/agent.ts',
        find: 'send: (body, signal) => client.agents.sync({ body }, { signal }),',
        replace:
          "send: (body, signal) => client.agents.sync({ body }, { signal }).catch((error: unknown) => { this.#workforce.release('all', { message: 'The server is silent.' }); throw error; }),",
      },
    ],
  },
  {
    name: 'shipping until the server has it',
    edits: [
      {
        file: 'src/agent/log-shipping.ts',
        find: '  const reply = await client.agents.logs(',
        replace:
          "  for (const { spool, item } of pieces) spool.streams[item.stream].shipped = item.offset + Buffer.from(item.data ?? '', 'base64').length;\n  const reply = await client.agents.logs(",
      },
    ],
  },
  {
    name: 'the lease on disk before the start',
    edits: [
      {
        file: 'src/agent/attempt-store.ts',
        find: "      overwrite(join(directory, 'lease.json'), text);",
        replace: "      options.clock.after(2_000, () => { try { overwrite(join(directory, 'lease.json'), text); } catch { /* gone */ } });",
      },
    ],
  },
  {
    name: 'lease tokens',
    edits: [
      {
        file: 'src/store/attempt-proof.ts',
        find: 'if (nonce !== null && nonce === row.nonce) proven.set(id, provenAttempt(row));',
        replace: 'if (row.nonce !== null || nonce !== null) proven.set(id, provenAttempt(row));',
      },
    ],
  },
  {
    // The secret is looked at when a request comes, the agent once more when its hanging sync is answered.
    name: 'revocation',
    edits: [
      { file: 'src/server/access.ts', find: 'if (agent.revoked_at !== null) throw agentRevoked();', replace: '' },
      { file: 'src/store/sync.ts', find: "if (agent.revoked_at !== null) return 'revoked';", replace: '' },
    ],
  },
  {
    name: 'a job that was gone has ended',
    edits: [{ file: 'src/agent/process-runner.ts', find: 'return { ...known, hasEnded: () => true, ', replace: 'return { ...known, ' }],
  },
  {
    name: 'idle clients are asked twice',
    edits: [
      {
        file: 'src/store/door-heartbeat.ts',
        find: 'const isSure = worker.idle_since !== null && tx.passed.since(worker.idle_since) >= (CONFIRM_SECONDS * 1000) / 2;',
        replace: 'const isSure = true;',
      },
    ],
  },
];
