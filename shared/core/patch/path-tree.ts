import type { WorkBudget } from '#shared/core/bounds/work-budget.ts';

/**
 * Values at paths, to be asked what lies above or below a path without a look at every other one. Who asks pays for each
 * segment: a path may consist of thousands.
 */
export interface PathTree<T> {
  /** Puts a value at a path; one that is there already stays. */
  add(path: string, value: T, budget: WorkBudget): void;
  /** The values at the path and at the folders that hold it, outermost first. */
  above(path: string, budget: WorkBudget): T[];
  /** The value at the path. */
  at(path: string, budget: WorkBudget): T | undefined;
  /** The value that was added first of those below the path. */
  firstBelow(path: string, budget: WorkBudget): T | undefined;
}

interface Node<T> {
  value: T | undefined;
  firstBelow: T | undefined;
  children: Map<string, Node<T>> | undefined;
}

const newNode = <T>(): Node<T> => ({ value: undefined, firstBelow: undefined, children: undefined });

/** Steps to put each segment of a path into a tree. */
const segmentSteps = 5;

/** What a path costs that a tree takes. */
export const pathSteps = (path: string): number => segmentSteps * path.split('/').length;

/** Compares paths as they are written, segment by segment. */
export function createPathTree<T>(): PathTree<T> {
  const root = newNode<T>();
  /** Goes down as far as there is anything; returns the node at the path, if there is one. */
  const walk = (path: string, budget: WorkBudget, visit?: (node: Node<T>) => void): Node<T> | undefined => {
    let node: Node<T> | undefined = root;
    for (let start = 0; start <= path.length; ) {
      const slash = path.indexOf('/', start);
      const end = slash < 0 ? path.length : slash;
      budget.spend(1);
      node = node.children?.get(path.slice(start, end));
      if (node === undefined) return undefined;
      visit?.(node);
      start = end + 1;
    }
    return node;
  };
  return {
    add: (path, value, budget) => {
      let node = root;
      for (const segment of path.split('/')) {
        budget.spend(segmentSteps);
        node.firstBelow ??= value;
        node.children ??= new Map();
        const child = node.children.get(segment) ?? newNode<T>();
        node.children.set(segment, child);
        node = child;
      }
      node.value ??= value;
    },
    above: (path, budget) => {
      const values: T[] = [];
      walk(path, budget, ({ value }) => {
        if (value !== undefined) values.push(value);
      });
      return values;
    },
    at: (path, budget) => walk(path, budget)?.value,
    firstBelow: (path, budget) => walk(path, budget)?.firstBelow,
  };
}
