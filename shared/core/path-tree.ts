import type { WorkBudget } from './work-budget.ts';

/** Values at paths, to be asked what lies above or below a path without a look at every other one. */
export type PathTree<T> = {
  /** Puts a value at a path; one that is there already stays. */
  add(path: string, value: T): void;
  /** The values at the path and at the folders that hold it, outermost first. */
  above(path: string): Generator<T, void>;
  /** The value at the path. */
  at(path: string): T | undefined;
  /** The value that was added first of those below the path. */
  firstBelow(path: string): T | undefined;
};

type Node<T> = { value?: T; firstBelow?: T; children?: Map<string, Node<T>> };

/**
 * Compares paths as they are written, segment by segment.
 * @param budget pays for each segment: a path may consist of thousands
 */
export function createPathTree<T>(budget: WorkBudget): PathTree<T> {
  const root: Node<T> = {};
  /** Goes down as far as there is anything. */
  function* walk(path: string): Generator<{ node: Node<T>; isEnd: boolean }, void> {
    let node: Node<T> | undefined = root;
    for (let start = 0; start <= path.length; ) {
      budget.spend(1);
      const slash = path.indexOf('/', start);
      const end = slash < 0 ? path.length : slash;
      node = node.children?.get(path.slice(start, end));
      if (node === undefined) return;
      yield { node, isEnd: slash < 0 };
      start = end + 1;
    }
  }
  const find = (path: string): Node<T> | undefined => {
    for (const { node, isEnd } of walk(path)) if (isEnd) return node;
    return undefined;
  };
  return {
    add: (path, value) => {
      let node = root;
      for (const segment of path.split('/')) {
        budget.spend(5);
        node.firstBelow ??= value;
        node.children ??= new Map();
        const child: Node<T> = node.children.get(segment) ?? {};
        node.children.set(segment, child);
        node = child;
      }
      node.value ??= value;
    },
    *above(path) {
      for (const { node } of walk(path)) if (node.value !== undefined) yield node.value;
    },
    at: (path) => find(path)?.value,
    firstBelow: (path) => find(path)?.firstBelow,
  };
}
