import type { Readable } from 'node:stream';
import type { Printer } from '#cli/printer.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { parseJson } from '#shared/core/admission/admission-review.ts';
import { isObject, member } from '#shared/core/text/json-object.ts';
import { createExplain, type Explain, readConfig } from './explanation.ts';

const lineFeed = 0x0a;
/** Distinct configurations remembered; a batch usually has few. */
const mostConfigs = 100;

/** Answers one question a line, NDJSON to NDJSON, in order and at the reader's pace. */
export async function explainBatch(input: Readable, output: Printer): Promise<void> {
  const explainWith = rememberConfigs();
  async function* answers(): AsyncGenerator<object> {
    for await (const line of splitLines(input)) {
      if (line.some((byte) => byte > 0x20)) yield answerLine(line, explainWith);
    }
  }
  await output.jsonLines(answers());
}

function answerLine(line: Uint8Array, explainWith: (config: unknown) => Explain): object {
  let id: unknown = null;
  try {
    const value = parseJson(line);
    id = member(value, 'id') ?? null;
    if (!isObject(value)) throw new LatchkeyError('REQUEST_MALFORMED', 'the line is not a JSON object');
    const explain = explainWith(member(value, 'config'));
    const { response, pod } = explain(member(value, 'inventory'), member(value, 'review'));
    return { id, response, pod };
  } catch (error) {
    if (!(error instanceof LatchkeyError)) throw error;
    return { id, error: { code: error.code, message: error.message } };
  }
}

/** The recipes of a configuration are compiled once. */
function rememberConfigs(): (config: unknown) => Explain {
  const known = new Map<string, Explain>();
  return (config) => {
    const text = JSON.stringify(config) ?? '';
    const explain = known.get(text) ?? explainWithoutFiles(config);
    if (known.size >= mostConfigs) known.clear();
    known.set(text, explain);
    return explain;
  };
}

/** A line of a batch comes from anywhere: it may not name files to read. */
function explainWithoutFiles(value: unknown): Explain {
  const config = readConfig(value, 'config');
  if (Object.keys(config.custom).length > 0) {
    throw new LatchkeyError(
      'CONFIG_INVALID',
      'config: custom: --batch reads no recipes; explain one pod instead',
    );
  }
  return createExplain(config);
}

/** Lines as bytes: text would be split at U+2028 too, and hide what is not UTF-8. */
async function* splitLines(input: Readable): AsyncGenerator<Uint8Array> {
  let pieces: Buffer[] = [];
  for await (const data of input) {
    let chunk = Buffer.from(data);
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed)) {
      yield Buffer.concat([...pieces, chunk.subarray(0, end)]);
      pieces = [];
      chunk = chunk.subarray(end + 1);
    }
    pieces.push(chunk);
  }
  yield Buffer.concat(pieces);
}
