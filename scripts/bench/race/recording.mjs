// Notes every statement that the store sends to its database, with its values, so that the very same work can be done again without the store.
import LibsqlDatabase from 'libsql';
import pg from 'pg';

let notes = null;

/** What `work` sent, in order: `{ text, values, reader }`. The store must have been opened after `watchStatements`. */
export async function record(work) {
  notes = [];
  try {
    await work();
    return notes;
  } finally {
    notes = null;
  }
}

/** From here on, connections that are opened can be recorded. Returns how to leave them alone again. */
export function watchStatements() {
  const [prepare, exec, query] = [LibsqlDatabase.prototype.prepare, LibsqlDatabase.prototype.exec, pg.Client.prototype.query];
  LibsqlDatabase.prototype.prepare = function prepareWatched(text) {
    return watched(prepare.call(this, text), text);
  };
  LibsqlDatabase.prototype.exec = function execWatched(text) {
    notes?.push({ text, values: null, reader: false });
    return exec.call(this, text);
  };
  pg.Client.prototype.query = function queryWatched(config, ...rest) {
    if (notes !== null) notes.push(typeof config === 'string' ? { text: config, values: [] } : { text: config.text, values: config.values ?? [] });
    return query.call(this, config, ...rest);
  };
  return () => {
    Object.assign(LibsqlDatabase.prototype, { prepare, exec });
    pg.Client.prototype.query = query;
  };
}

function watched(statement, text) {
  const note = (method) => {
    const call = statement[method].bind(statement);
    statement[method] = (...values) => {
      notes?.push({ text, values, reader: method === 'all' });
      return call(...values);
    };
  };
  note('run');
  note('all');
  return statement;
}
