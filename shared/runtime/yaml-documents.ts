import { findTooMuch, mostTokensOfInput, readYaml, type YamlFault } from './yaml-text.ts';

/** One document of a text; its number counts those that hold anything, from 1. */
export interface YamlDocument {
  value: unknown;
  number: number;
}

/** Sixteen ConfigMaps' worth: whole charts are rendered into one text. */
const mostCharacters = 16 * 1_024 * 1_024;
const mostDocuments = 10_000;

/**
 * Reads a text of several YAML documents, as `helm template` and `kubectl get` print it. Documents without a value are
 * left out. The first document that cannot be read refuses the whole text, with the lines of the text.
 */
export function readYamlDocuments(
  text: string,
  read: typeof readYaml = readYaml,
): YamlDocument[] | { faults: YamlFault[]; number: number } {
  const excess = (message: string) => ({
    faults: [{ line: 1, column: 1, message, isSyntax: false }],
    number: 1,
  });
  if (text.length > mostCharacters) return excess(`it is longer than ${mostCharacters} characters`);
  const tooMuch = findTooMuch(text, mostTokensOfInput);
  if (tooMuch !== undefined) return { faults: [tooMuch], number: 1 };
  const pieces = splitDocuments(text);
  if (pieces.length > mostDocuments) return excess(`it has more than ${mostDocuments} documents`);
  const documents: YamlDocument[] = [];
  for (const { content, lineBefore } of pieces) {
    const number = documents.length + 1;
    const found = read(content, mostTokensOfInput);
    if ('faults' in found) {
      const faults = found.faults.map((fault) => ({ ...fault, line: fault.line + lineBefore }));
      return { faults, number };
    }
    if (found.value !== null) documents.push({ value: found.value, number });
  }
  return documents;
}

/** Cuts at the markers, which YAML allows at the beginning of a line nowhere else, not even inside a text. */
function splitDocuments(text: string): { content: string; lineBefore: number }[] {
  const pieces: { content: string; lineBefore: number }[] = [];
  let [begin, lineBefore] = [0, 0];
  const cutAt = (offset: number): void => {
    const content = text.slice(begin, offset);
    // A directive belongs to the marker behind it.
    if (isBlank(content)) return;
    pieces.push({ content, lineBefore });
    lineBefore += content.split('\n').length - 1;
    begin = offset;
  };
  for (const { 0: marker, index } of text.matchAll(/^(?:---|\.\.\.)(?=[ \t\r\n]|$)/gm)) {
    if (marker === '---') cutAt(index);
    else cutAt(endOfLine(text, index));
  }
  cutAt(text.length);
  return pieces;
}

const isBlank = (content: string): boolean =>
  content.split('\n').every((line) => /^\uFEFF?(?:\s*(?:#.*)?|%.*)\r?$/.test(line));

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end === -1 ? text.length : end + 1;
}
