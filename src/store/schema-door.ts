// Rows of workers that come through a door: see schema.ts.
/** A worker that speaks JobDistributor's protocol. Versions of commands are told less `base_version`, because each of its processes counts from 0. */
interface DoorWorkerTable {
  experiment_id: number;
  /** What it calls itself: the id of its row in `worker` too, unless that was taken. */
  told_id: string;
  agent_id: number;
  /** Of its last heartbeat; empty without one. */
  token_id: string;
  base_version: number;
  /** The version that its process last said it has applied. */
  told_version: number;
  /** The command that is meant to end its job as well. */
  kill_version: number | null;
  /** It says that it is idle, though it was heard of with the job that it holds. */
  idle_since: number | null;
}

/** Who may speak for an attempt without a lease token: see core/old-client.ts. */
interface DoorAssignmentTable {
  job_id: number;
  attempt: number;
  agent_id: number;
  /** Of the holder's last word; empty without one. */
  token_id: string;
  key_id: number | null;
  token_ends_at: number | null;
  heard_at: number;
  /** When it was heard to have the job no more: by its report, or by what else it said. */
  quit_at: number | null;
}

export interface DoorTables {
  door_worker: DoorWorkerTable;
  door_assignment: DoorAssignmentTable;
}
