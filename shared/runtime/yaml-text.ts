import { type Document, LineCounter, parseDocument } from 'yaml';
import { findJsonExcess } from '#shared/core/text/json-excess.ts';
import { documentFaults } from './document-faults.ts';

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
 * Reads one YAML or JSON document that a person wrote, or somebody who means harm: aliases that stand for themselves or
 * multiply without end, and nesting that nothing could walk, are faults with a line like any other.
 */
export function readYaml(text: string): YamlText | { faults: YamlFault[] } {
  if (text.length > mostCharacters) return oneFault(1, `it is longer than ${mostCharacters} characters`);
  const lines = new LineCounter();
  const lineAt = (offset: number): number => lines.linePos(offset).line;
  const placeAt = (offset: number): { line: number; column: number } => {
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
    return isTooDeep ? oneFault(1, 'it is nested too deep') : { value, document, lineAt };
  } catch (err) {
    // Whatever walks it ends its stack.
    if (!(err instanceof RangeError)) throw err;
    return oneFault(1, 'it is nested too deep');
  }
}

/** Says it for the owner of a text, without anything of the text, which may hold a password. */
export function describeYamlFault({ line, column, message, isSyntax }: YamlFault): string {
  const place = `(line ${line}, column ${column})`;
  return isSyntax ? `it is not JSON or YAML ${place}: correct its syntax` : `${message} ${place}`;
}

const oneFault = (line: number, message: string): { faults: YamlFault[] } => ({
  faults: [{ line, column: 1, message, isSyntax: false }],
});
