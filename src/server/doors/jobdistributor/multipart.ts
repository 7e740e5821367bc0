// A form with one file in it (multipart/form-data, RFC 7578), read as it arrives: first the texts, then the file, which is never whole in memory.
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { Busboy } from '@fastify/busboy';

import { LIMITS } from '../../../core/limits.ts';
import { Refusal } from '../../../core/refusal.ts';

export interface Form {
  readonly fields: ReadonlyMap<string, string>;
  /** As the client gave it: any text. */
  readonly filename: string;
  /** Throws at its end when something is wrong behind it. */
  readonly file: AsyncIterable<Uint8Array>;
  /** Ends the reading, wherever it is: to be called by whoever took the form. */
  close(): void;
}

/** What may come around a file: heads of parts, and texts. */
export const FORM_BYTES = LIMITS.form_bytes.value;
const MOST_PARTS = 20;

/** Reads up to the file of this name. */
export function readForm(contentType: string | null, body: AsyncIterable<Uint8Array>, fileField: string): Promise<Form> {
  const form = openForm(contentType);
  const fields = new Map<string, string>();
  return new Promise((resolve, reject) => {
    let file: Readable | null = null;
    let failure: unknown = null;
    const fail = (error: unknown): void => {
      failure ??= error;
      reject(failure as Error);
      form.destroy();
      file?.destroy(failure as Error);
    };
    const refuse = (sentence: string): void => fail(malformed(sentence));
    form.on('field', (name: string, value: string, _isNameCut: boolean, isCut: boolean) => {
      if (isCut) refuse(`More than ${FORM_BYTES} bytes are around its file.`);
      else if (file !== null) refuse('Something stands behind its file.');
      else fields.set(name, value);
    });
    form.on('file', (name: string, stream: Readable, filename: string) => {
      if (name !== fileField) return refuse(`A file is called ${JSON.stringify(name.slice(0, 60))} instead of ${JSON.stringify(fileField)}.`);
      file = stream;
      // It may fail before somebody reads it, or when nobody does.
      stream.on('error', () => undefined);
      // HTTP clients and browsers write a quote so.
      resolve({ fields, filename: filename.replaceAll('%22', '"'), file: wholly(stream), close: () => form.destroy() });
    });
    form.on('filesLimit', () => refuse('Something stands behind its file.'));
    form.on('partsLimit', () => refuse(`It has more than ${MOST_PARTS} parts.`));
    const wholly = async function* (stream: Readable): AsyncGenerator<Uint8Array> {
      yield* stream as AsyncIterable<Uint8Array>;
      await read;
      if (failure !== null) throw failure as Error;
    };
    const read = pipeline(Readable.from(body), form).then(
      () => (file === null ? refuse(`It has no file ${JSON.stringify(fileField)}.`) : undefined),
      // What the body says itself, that it is too large or was cut off, and what the parser says of it.
      (error: unknown) => fail(error instanceof Refusal ? error : malformed(`${error instanceof Error ? error.message : String(error)}.`)),
    );
  });
}

function openForm(contentType: string | null): InstanceType<typeof Busboy> {
  try {
    return new Busboy({
      headers: { 'content-type': contentType ?? '' },
      preservePath: true,
      isPartAFile: (_name, _type, filename) => filename !== undefined,
      limits: { files: 1, parts: MOST_PARTS, fieldSize: FORM_BYTES, headerSize: FORM_BYTES, headerPairs: MOST_PARTS },
    });
  } catch {
    throw malformed('Send it as multipart/form-data with a boundary.');
  }
}

function malformed(sentence: string): Refusal {
  return new Refusal('invalid_input', `The form cannot be read. ${sentence}`);
}
