// Rows that say who may do what, and what was answered to whom: see schema.ts.
import type { Generated } from 'kysely';

export type Role = 'viewer' | 'operator' | 'owner' | 'admin';

export interface AccountTable {
  id: Generated<number>;
  email: string;
  name: string;
  password_hash: string | null;
  role: Role;
  created_at: number;
  verified_at: number | null;
  suspended_at: number | null;
  profile_json: string;
  preferences_json: string;
}

export interface ApiKeyTable {
  id: Generated<number>;
  name: string;
  prefix: string;
  hash: string;
  role: Role;
  experiments_json: string | null;
  account_id: number | null;
  created_at: number;
  last_used_at: number | null;
  expires_at: number | null;
}

export interface SessionTable {
  id: Generated<number>;
  hash: string;
  /** `login_link` is a link that was not used yet; using it replaces the row by a `link` session. */
  kind: 'pin' | 'link' | 'key' | 'login_link' | 'account';
  name: string;
  role: Role;
  experiment_id: number | null;
  account_id: number | null;
  /** The key that made the login link: the session ends with it. */
  api_key_id: number | null;
  pin_version: number | null;
  created_at: number;
  last_seen_at: number;
  expires_at: number;
}

export interface IdempotencyKeyTable {
  actor: string;
  route: string;
  key: string;
  body_hash: string;
  status: number;
  reply_json: string;
  created_at: number;
}
