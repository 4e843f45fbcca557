import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { toPlainText } from '#shared/core/text/plain-text.ts';
import { terminalJson, terminalLines, terminalYaml } from './terminal-lines.ts';

/** All that a command can print with: whatever it is given, a terminal shows it and obeys none of it. */
export interface Printer {
  /** Whether a terminal shows it, so that a line can be rewritten. */
  isScreen: boolean;
  /** Prints one line, whatever it holds. */
  line(line: string): void;
  /** Prints each as one line, whatever it holds. */
  lines(lines: readonly string[]): void;
  /** Prints a text whose line ends are our own. */
  text(text: string): void;
  /** Writes a line over the last one, which it ends with neither a line feed nor a second row. */
  rewrite(line: string): void;
  json(value: unknown, indent?: number): void;
  /** @param value data, or a Document of the library with its comments */
  yaml(value: unknown): void;
  /** Prints a value a line, at the reader's pace. */
  jsonLines(values: AsyncIterable<unknown>): Promise<void>;
}

const clearLine = '\r\u001b[2K';
/** Width of a terminal that does not tell it, or reports 0. */
const usualColumns = 80;

/** Creates the only way from a command to a stream of the process. */
export function createPrinter(stream: Writable): Printer {
  const print = (lines: readonly string[]): void => {
    stream.write(lines.map((line) => `${toPlainText(line)}\n`).join(''));
  };
  const columns = (): number => ('columns' in stream && Number(stream.columns)) || usualColumns;
  return {
    isScreen: 'isTTY' in stream && stream.isTTY === true,
    line: (line) => print([line]),
    lines: print,
    text: (text) => void stream.write(`${terminalLines(text.replace(/\n$/, ''))}\n`),
    rewrite: (line) => void stream.write(`${clearLine}${toPlainText(line.slice(0, columns() - 1))}`),
    json: (value, indent) => void stream.write(`${terminalJson(value, indent)}\n`),
    yaml: (value) => void stream.write(terminalYaml(value)),
    jsonLines: (values) => pipeline(() => ndjson(values), stream, { end: false }),
  };
}

async function* ndjson(values: AsyncIterable<unknown>): AsyncGenerator<string> {
  for await (const value of values) yield `${terminalJson(value, 0)}\n`;
}
