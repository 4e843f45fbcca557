import { type Document, Lexer, LineCounter, parseDocument } from 'yaml';
import { findJsonExcess } from '#shared/core/text/json-excess.ts';
import { documentFaults } from './document-faults.ts';
import { findYamlExcess } from './yaml-excess.ts';

/** What keeps a text from being read as YAML. */
export interface YamlFault {
  line: number;
  column: number;
  /** Repeats nothing of the text, except that of a fault of syntax: it is the parser's. */
  message: string;
  isSyntax: boolean;
}

/** A text that was read: what it says, and where it says it. */
export interface YamlText {
  value: unknown;
  document: Document;
  lineAt: (offset: number) => number;
}

/** Four times what a ConfigMap holds (Kubernetes, 1 MiB). */
const mostCharacters = 4 * 1_024 * 1_024;
/** Nobody mends more at a time. */
const mostFaults = 20;
/** Values of JSON only, by whatever tag; keys are compared by documentFaults. */
const parsing = {
  schema: 'core',
  resolveKnownTags: false,
  uniqueKeys: false,
  prettyErrors: false,
  logLevel: 'error',
} as const;

/**
 * Most tokens of latchkey.yaml, a recipe and the like: a policy with as many values as latchkey.yaml may have, one on a
 * line, has 120,000.
 */
export const mostTokensOfConfig = 200_000;
/** Most tokens of a pod or an inventory, which a command reads: 50,000 Secrets of five keys. */
export const mostTokensOfInput = 1_000_000;

/**
 * Reads one YAML or JSON document that a person wrote, or somebody who means harm: more than anybody writes, aliases that
 * stand for themselves or multiply without end, and nesting that nothing could walk, are faults with a line like any
 * other. Its cost grows as the text does, to the limits.
 */
export function readYaml(text: string, mostTokens = mostTokensOfConfig): YamlText | { faults: YamlFault[] } {
  if (text.length > mostCharacters) return oneFault(`it is longer than ${mostCharacters} characters`);
  const tooMuch = findTooMuch(text, mostTokens);
  return tooMuch === undefined ? withoutStacks(() => parseYaml(text)) : { faults: [tooMuch] };
}

/** Finds more tokens or levels than are parsed, in one document or several, and looks no further. */
export function findTooMuch(text: string, mostTokens: number): YamlFault | undefined {
  const excess = findYamlExcess(new Lexer().lex(text), mostTokens);
  return excess && { ...placeOf(text, excess.offset), message: excess.message, isSyntax: false };
}

function parseYaml(text: string): YamlText | { faults: YamlFault[] } {
  const lines = new LineCounter();
  const lineAt = (offset: number): number => lines.linePos(offset).line;
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  try {
    const document = parseDocument(text, { ...parsing, lineCounter: lines });
    const errors = document.errors.map(({ pos, message }) => ({ offset: pos[0], message }));
    const isSyntax = errors.length > 0;
    const faults = isSyntax ? errors : documentFaults(document);
    if (faults.length > 0) {
      const told = faults.slice(0, mostFaults);
      return { faults: told.map(({ offset, message }) => ({ ...placeAt(offset), message, isSyntax })) };
    }
    const value: unknown = document.toJS({ maxAliasCount: -1 });
    const isTooDeep = findJsonExcess(Buffer.from(JSON.stringify(value) ?? '')) === 'depth';
    return isTooDeep ? oneFault('it is nested too deep') : { value, document, lineAt };
  } catch (err) {
    // Whatever walks it ends its stack.
    if (!(err instanceof RangeError)) throw err;
    return oneFault('it is nested too deep');
  }
}

/** Says it for the owner of a text, without anything of the text, which may hold a password. */
export function describeYamlFault({ line, column, message, isSyntax }: YamlFault): string {
  const place = `(line ${line}, column ${column})`;
  return isSyntax ? `it is not JSON or YAML ${place}: correct its syntax` : `${message} ${place}`;
}

/** Runs what makes an error of every wrong token: their call stacks would cost five times as much as the rest. */
function withoutStacks<T>(run: () => T): T {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return run();
  } finally {
    Error.stackTraceLimit = before;
  }
}

type Place = Pick<YamlFault, 'line' | 'column'>;

function placeOf(text: string, offset: number): Place {
  const before = text.slice(0, offset);
  return { line: 1 + (before.match(/\n/g)?.length ?? 0), column: offset - before.lastIndexOf('\n') };
}

const oneFault = (message: string): { faults: YamlFault[] } => ({
  faults: [{ line: 1, column: 1, message, isSyntax: false }],
});
