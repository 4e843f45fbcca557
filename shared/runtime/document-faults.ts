import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  type Node,
  type Pair,
  visit,
} from 'yaml';

/** Characters and nodes that all aliases of a text stand for together; a whole configuration has some thousand. */
const mostAliased = 100_000;
/** Reading a value searches all anchors and aliases for each alias. */
const mostNames = 2_000;

/** Something wrong in a document that was parsed, and the character where it is. */
interface DocumentFault {
  offset: number;
  message: string;
}

/**
 * What of a document without errors is no JSON, or would be too much of it: the first key that is no text or comes
 * twice, the first alias that cannot be followed or with which the aliases so far stand for too much. Its cost grows as
 * the text does, whatever the text is; that of the parser's own check of keys grows with their square.
 */
export function documentFaults(document: Document): DocumentFault[] {
  // Its merge keys and types would make other values of the same text.
  if (document.directives?.yaml.version !== '1.2') return [{ offset: 0, message: 'it is not YAML 1.2' }];
  const faults: DocumentFault[] = [];
  const aliases = createAliasCheck();
  visit(document, {
    Node: (_key, node, path) => {
      const fault = (isMap(node) && repeatedKey(node.items)) || aliases(node, path);
      if (fault === undefined) return undefined;
      faults.push(fault);
      return visit.BREAK;
    },
  });
  return faults;
}

const faultAt = (node: unknown, message: string): DocumentFault => ({
  offset: (isNode(node) ? node.range?.[0] : undefined) ?? 0,
  message,
});

/** The first key of a map that is no scalar, or that an earlier one equals. */
function repeatedKey(items: readonly Pair[]): DocumentFault | undefined {
  const seen = new Set<unknown>();
  for (const { key } of items) {
    if (key !== null && !isScalar(key)) return faultAt(key, 'a key is a list, a map or an alias');
    const value = key?.value ?? null;
    if (seen.has(value)) return faultAt(key, 'Map keys must be unique');
    seen.add(value);
  }
  return undefined;
}

/**
 * Sees every node in the order of the text. An anchor may be set again and again: an alias means the last node before
 * it with that anchor, so that sizes belong to nodes and not to names.
 */
function createAliasCheck(): (node: Node, path: readonly unknown[]) => DocumentFault | undefined {
  const anchored = new Map<string, Node>();
  const sizes = new Map<Node, number>();
  let names = 0;
  let aliased = 0;
  const follow = (alias: Alias, path: readonly unknown[]): string | undefined => {
    const target = anchored.get(alias.source);
    if (target === undefined) return 'an alias names no anchor before it';
    if (path.includes(target)) return 'an alias stands for what it is a part of';
    const size = sizes.get(target) ?? sizeOf(target, sizes);
    sizes.set(target, size);
    sizes.set(alias, size);
    aliased += size;
    return aliased > mostAliased ? 'the aliases up to this one stand for too much' : undefined;
  };
  return (node, path) => {
    if (!isAlias(node) && node.anchor === undefined) return undefined;
    names += 1;
    if (names > mostNames) return faultAt(node, `there are more than ${mostNames} anchors and aliases`);
    const problem = isAlias(node) ? follow(node, path) : undefined;
    if (problem !== undefined) return faultAt(node, problem);
    if (node.anchor !== undefined) anchored.set(node.anchor, node);
    return undefined;
  };
}

/** Nodes of a part and the characters of its scalars, those counted that its aliases stand for. */
function sizeOf(part: Node, sizes: ReadonlyMap<Node, number>): number {
  let size = 0;
  visit(part, {
    Node: (_key, node) => {
      if (isAlias(node)) size += sizes.get(node) ?? 1;
      else size += 1 + (isScalar(node) ? (node.source?.length ?? 0) : 0);
    },
  });
  return size;
}
