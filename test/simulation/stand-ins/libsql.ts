// libsql, with somebody between a server and its file: processes die and disks fill up at any statement.
import LibsqlDatabase from 'libsql';

import { current } from './current.ts';

interface Prepared {
  readonly reader: boolean;
  run(...values: unknown[]): { changes: number };
  all(...values: unknown[]): unknown[];
}

export class Database {
  readonly #database: InstanceType<typeof LibsqlDatabase>;
  #isOpen = true;

  constructor(path: string, options?: object) {
    this.#database = new LibsqlDatabase(path, options);
    current.database?.opened(() => this.close());
  }

  exec(text: string): void {
    this.#guard(text, () => void this.#database.exec(text));
  }

  prepare(text: string): Prepared {
    const statement = this.#database.prepare(text) as unknown as Prepared;
    return {
      reader: statement.reader,
      run: (...values) => this.#guard(text, () => statement.run(...values)),
      all: (...values) => this.#guard(text, () => statement.all(...values)),
    };
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    // A process that dies leaves its transaction; here the connection would go on holding it until its statements are collected.
    if (this.#database.inTransaction) this.#database.exec('rollback');
    this.#database.close();
  }

  #guard<T>(text: string, call: () => T): T {
    const faults = current.database;
    faults?.before(text);
    const result = call();
    faults?.after(text);
    return result;
  }
}
