import { type Alias, type Document, isAlias, isNode, LineCounter, parseDocument, visit } from 'yaml';
import { nestsTooDeep } from '#shared/core/json-value.ts';

/** What keeps a text from being read as YAML; `message` repeats nothing of the text. */
export type YamlFault = { line: number; message: string };

/** A text that was read: what it says, and where it says it. */
export type YamlText = { value: unknown; document: Document; lineAt: (offset: number) => number };

/** Four times what a ConfigMap holds (Kubernetes, 1 MiB). */
const mostCharacters = 4 * 1_024 * 1_024;
/** Nodes that all aliases of a text stand for together; a recipe or a configuration has some hundred nodes. */
const mostAliasedNodes = 10_000;
/** Nobody mends more at a time. */
const mostFaults = 20;

/**
 * Reads one YAML or JSON document that a person wrote, or somebody who means harm: aliases that stand for themselves or
 * multiply without end, and nesting that nothing could walk, are faults with a line like any other.
 */
export function readYaml(text: string): YamlText | { faults: YamlFault[] } {
  if (text.length > mostCharacters) return oneFault(1, `it is longer than ${mostCharacters} characters`);
  const lines = new LineCounter();
  const lineAt = (offset: number): number => lines.linePos(offset).line;
  try {
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
    const faults = document.errors.map(({ pos, message }) => ({ line: lineAt(pos[0]), message }));
    if (faults.length === 0) faults.push(...aliasFaults(document, lineAt));
    if (faults.length > 0) return { faults: faults.slice(0, mostFaults) };
    const value: unknown = document.toJS({ maxAliasCount: -1 });
    const isTooDeep = nestsTooDeep(Buffer.from(JSON.stringify(value) ?? ''));
    return isTooDeep ? oneFault(1, 'it is nested too deep') : { value, document, lineAt };
  } catch (err) {
    // Whatever walks it ends its stack.
    if (!(err instanceof RangeError)) throw err;
    return oneFault(1, 'it is nested too deep');
  }
}

const oneFault = (line: number, message: string): { faults: YamlFault[] } => ({
  faults: [{ line, message }],
});

/** The first alias that cannot be followed, or with which the aliases so far stand for too much. */
function aliasFaults(document: Document, lineAt: (offset: number) => number): YamlFault[] {
  const faults: YamlFault[] = [];
  const sizes = new Map<string, number>();
  let aliased = 0;
  visit(document, {
    Alias: (_key, alias, path) => {
      const size = sizes.get(alias.source) ?? sizeOf(alias.resolve(document), sizes);
      sizes.set(alias.source, size);
      aliased += size;
      const problem = aliasProblem(alias, size, path) ?? (aliased > mostAliasedNodes ? tooMuch : undefined);
      if (problem === undefined) return undefined;
      faults.push({ line: lineAt(alias.range?.[0] ?? 0), message: problem });
      return visit.BREAK;
    },
  });
  return faults;
}

const tooMuch = 'the aliases up to this one stand for too much';

function aliasProblem(alias: Alias, size: number, path: readonly unknown[]): string | undefined {
  if (size === 0) return 'an alias names no anchor before it';
  const isInside = path.some(
    (ancestor) => isNode(ancestor) && 'anchor' in ancestor && ancestor.anchor === alias.source,
  );
  return isInside ? 'an alias stands for what it is a part of' : undefined;
}

/** Nodes of a part, those counted that its aliases stand for; 0 when there is no such part. */
function sizeOf(node: unknown, sizes: ReadonlyMap<string, number>): number {
  let size = 0;
  visit(isNode(node) ? node : null, {
    Node: (_key, inner) => {
      size += isAlias(inner) ? (sizes.get(inner.source) ?? 1) : 1;
    },
  });
  return size;
}
