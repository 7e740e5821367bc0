// Every limit of Drover, by name. Nothing that grows is unlimited, and no limit is written anywhere else.
// docs/reference/limits.md is generated from this table.

export interface Limit {
  readonly value: number;
  readonly unit: 'bytes' | 'items' | 'characters' | 'seconds' | 'bytes per second';
  readonly meaning: string;
}

const KIB = 1024;
const MIB = 1024 * KIB;

export const LIMITS = {
  body_bytes: limit(16 * MIB, 'bytes', 'JSON body of one request'),
  json_depth: limit(32, 'items', 'nesting of lists and objects in a param value'),
  params_bytes: limit(256 * KIB, 'bytes', 'params of one job, written as JSON'),
  params_count: limit(500, 'items', 'params of one job'),
  param_name_characters: limit(128, 'characters', 'name of a param'),
  command_characters: limit(64 * KIB, 'characters', 'command template'),
  matrix_jobs: limit(1_000_000, 'items', 'jobs that one matrix may expand to'),
  matrix_values: limit(100_000, 'items', 'values of one param in a matrix'),
  matrix_names: limit(64, 'items', 'params of one matrix'),
  create_jobs: limit(100_000, 'items', 'jobs in one list that is created at once'),
  create_bytes: limit(500_000_000, 'bytes', 'params of all jobs that are created at once, written as JSON'),
  bulk_jobs: limit(10_000, 'items', 'jobs that one bulk action changes in one commit; more are changed in the background'),
  page_items: limit(1_000, 'items', 'rows of one page'),
  set_rows: limit(10_000, 'items', 'jobs that a search finds and that are then looked at all for one page, in any order'),
  walked_rows: limit(8_000, 'items', 'jobs of a large list that are looked at for one page; the next page goes on there'),
  sorted_rows: limit(50_000, 'items', 'filtered rows that are sorted by a column without an index'),
  search_characters: limit(1_000, 'characters', 'search text'),
  name_characters: limit(200, 'characters', 'name of a file, key, class or metric'),
  host_characters: limit(12, 'characters', 'host part of a worker id'),
  message_characters: limit(2_000, 'characters', 'message of an attempt'),
  workers_per_agent: limit(4_096, 'items', 'workers of one agent'),
  worker_commands: limit(1_000_000_000, 'items', 'commands to one worker, as its agent counts them'),
  sync_items: limit(8_192, 'items', 'entries of each list in one sync'),
  sync_wait_seconds: limit(25, 'seconds', 'time that a sync may hang when there is nothing to say'),
  log_append_bytes: limit(4 * MIB, 'bytes', 'log bytes in one request'),
  log_head_bytes: limit(10_000_000, 'bytes', 'log kept from the start of each stream'),
  log_tail_bytes: limit(90_000_000, 'bytes', 'log kept from the end of each stream'),
  log_read_bytes: limit(8 * MIB, 'bytes', 'log bytes in one read'),
  metric_points: limit(10_000, 'items', 'metric points in one append'),
  metric_names: limit(10_000, 'items', 'metric names of one job'),
  metric_chunk_points: limit(1_000, 'items', 'points packed into one stored row'),
  metric_read_points: limit(5_000, 'items', 'points of one series in one read'),
  matrix_page: limit(50, 'items', 'matrices in one reply'),
  matrix_values_shown: limit(12, 'items', 'values of each param in a list of matrices'),
  matrix_value_characters: limit(60, 'characters', 'text of such a value; longer ones are cut'),
  matrix_looks: limit(1_000, 'items', 'jobs of one matrix whose statuses are counted for a list; of larger ones an even share'),
  compared_jobs: limit(20, 'items', 'jobs beside one another'),
  compared_metrics: limit(60, 'items', 'metrics of jobs beside one another'),
  compared_points: limit(1_000, 'items', 'points of each of their curves'),
  waiting_counted: limit(1_000, 'items', 'jobs before a pending one that are counted to say why it waits'),
  selected_jobs: limit(1_000, 'items', 'jobs selected one by one in the dashboard; more are selected by what they have in common'),
  latest_metrics: limit(12, 'items', 'metrics whose latest values are read of many jobs at once: columns of the table of jobs, and of an export'),
  views: limit(100, 'items', 'saved views of one experiment'),
  table_columns: limit(40, 'items', 'columns of the table of jobs'),
  export_params: limit(2_000, 'items', 'params that have a column in an export as CSV'),
  chart_buckets: limit(400, 'items', 'stretches of time in one chart'),
  chart_jobs: limit(
    20_000,
    'items',
    'jobs that one chart looks at; of more, about so many are chosen by their numbers, always the same ones, and the reply says of how many',
  ),
  chart_points: limit(1_500, 'items', 'jobs in one chart of results, beside the best ones'),
  chart_best: limit(100, 'items', 'best jobs by a metric in one reply'),
  chart_groups: limit(60, 'items', 'machines, workers, param values or groups of replicates in one chart'),
  chart_fields: limit(200, 'items', 'params and metrics offered for charts'),
  chart_axes: limit(16, 'items', 'params of one chart of results'),
  chart_metrics: limit(4, 'items', 'metrics of one chart of results'),
  chart_text_characters: limit(200, 'characters', 'text of a param value in a chart; longer ones are cut'),
  artifact_bytes: limit(100 * MIB, 'bytes', 'one uploaded file or checkpoint, unless the server is told otherwise'),
  artifacts_per_job: limit(10_000, 'items', 'files and versions of one job'),
  checkpoints_kept: limit(20, 'items', 'newest checkpoints kept of one job; older ones are removed when another arrives'),
  attempt_token_seconds: limit(
    30 * 24 * 3600,
    'seconds',
    'time after the end of an attempt in which its files are still accepted: agents may be cut off for long',
  ),
  upload_rate_bytes: limit(1 * KIB, 'bytes per second', 'slowest upload that is not cut, averaged over a minute'),
  unread_reply_seconds: limit(600, 'seconds', 'time for which a client may leave a reply unread before its connection is cut'),
  stream_experiments: limit(50, 'items', 'experiments watched by one event stream'),
  stream_events: limit(1_000, 'items', 'events that a reader may be behind before it is told to reload'),
  streams_per_actor: limit(64, 'items', 'event streams of one key or session'),
  api_keys: limit(1_000, 'items', 'API keys of one server'),
  experiments: limit(10_000, 'items', 'experiments of one server'),
  idempotency_seconds: limit(7 * 24 * 3600, 'seconds', 'time for which an idempotency key is remembered'),
  transient_event_seconds: limit(600, 'seconds', 'life of the events that only wake live pages (log, metric and progress arrived)'),
  history_seconds: limit(180 * 24 * 3600, 'seconds', 'time for which events and finished operations are kept'),
  agent_kept_seconds: limit(30 * 24 * 3600, 'seconds', 'time for which an agent that left or fell silent is shown; its jobs name their workers for ever'),
  undelivered_seconds: limit(180 * 24 * 3600, 'seconds', 'time for which a silent agent is kept that may still bring the end of a lost attempt'),
  session_seconds: limit(7 * 24 * 3600, 'seconds', 'life of a dashboard session'),
  login_link_seconds: limit(15 * 60, 'seconds', 'life of a one-time login link'),
  pin_tries: limit(5, 'items', 'wrong PINs from one client before it is locked out for a while'),
  pin_tries_experiment: limit(30, 'items', 'wrong PINs for one experiment, from all clients, before PINs are locked for a while'),
  pin_lock_seconds: limit(300, 'seconds', 'lock after too many wrong PINs; for an experiment each further one is twice as long'),
  pin_longest_lock_seconds: limit(3_600, 'seconds', 'longest lock of the PIN of an experiment; after twice this time without a try locks are short again'),
} as const satisfies Record<string, Limit>;

function limit(value: number, unit: Limit['unit'], meaning: string): Limit {
  return { value, unit, meaning };
}
