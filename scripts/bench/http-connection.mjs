// An HTTP/1.1 client that costs as little as possible, because it shares the cores with the server that it measures: one socket that
// stays open, one request at a time, replies with a Content-Length only.
import { connect } from 'node:net';

const END_OF_HEAD = Buffer.from('\r\n\r\n');

/** A socket to the server; `headers` go with every request. One that the server closed because it idled is opened again by the next request. */
export async function openConnection(url, headers = {}) {
  const { hostname, port, host } = new URL(url);
  const fixed = Object.entries({ host, ...headers })
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
  let waiting = null;
  let received = [];
  let length = 0;
  let expected = null;

  let socket = await dial();

  async function dial() {
    const made = connect({ host: hostname, port: Number(port), noDelay: true });
    await new Promise((resolve, reject) => made.once('connect', resolve).once('error', reject));
    made.on('data', onData);
    made.on('error', (error) => settle((one) => one.reject(error)));
    made.on('close', () => {
      if (made === socket) socket = null;
      [received, length, expected] = [[], 0, null];
      settle((one) => one.reject(new Error('The server closed the connection.')));
    });
    return made;
  }

  function onData(piece) {
    received.push(piece);
    length += piece.length;
    try {
      expected ??= readHead(received.length === 1 ? piece : Buffer.concat(received));
    } catch (error) {
      socket?.destroy(error);
    }
    if (expected === null || length < expected.end) return;
    const bytes = received.length === 1 ? piece : Buffer.concat(received, length);
    const { status, begin, end } = expected;
    [received, length, expected] = [[], 0, null];
    settle((one) => one.resolve({ status, body: bytes.subarray(begin, end) }));
  }

  function settle(how) {
    const one = waiting;
    waiting = null;
    if (one !== null) how(one);
  }

  return {
    /**
     * Resolves with the status and the body's bytes. The body is a text of Latin characters.
     * @param {string} method
     * @param {string} path
     * @param {string | null} body
     */
    async request(method, path, body = null) {
      socket ??= await dial();
      const head = `${method} ${path} HTTP/1.1\r\n${fixed}`;
      return new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        if (body === null) socket.write(`${head}\r\n`, 'latin1');
        else socket.write(`${head}content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`, 'latin1');
      });
    },
    close: () => socket?.destroy(),
  };
}

/** Null while the head is not whole. */
function readHead(bytes) {
  const at = bytes.indexOf(END_OF_HEAD);
  if (at < 0) return null;
  const head = bytes.toString('latin1', 0, at);
  const length = /\r\ncontent-length: *(\d+)/i.exec(head);
  if (length === null) throw new Error(`The server sent a reply without a length:\n${head}`);
  const begin = at + END_OF_HEAD.length;
  return { status: Number(head.slice(9, 12)), begin, end: begin + Number(length[1]) };
}

/** The API as plain calls: JSON in, JSON out, an error for everything but success. */
export async function openApi(url, key) {
  const connection = await openConnection(url, { authorization: `Bearer ${key}` });
  let last = Promise.resolve();

  async function ask(method, path, body) {
    const reply = await connection.request(method, `/api/v1${path}`, body === null ? null : JSON.stringify(body));
    const text = reply.body.toString();
    if (reply.status >= 300) throw new Error(`${method} ${path}: ${reply.status} ${text.slice(0, 500)}`);
    return JSON.parse(text);
  }

  return {
    /** One after the other, whoever calls. */
    call(method, path, body = null) {
      const reply = last.then(() => ask(method, path, body));
      last = reply.catch(() => {});
      return reply;
    },
    close: connection.close,
  };
}
