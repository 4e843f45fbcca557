import { z } from 'zod';

/** Most values in what is checked, where its contract says nothing: a heartbeat of 100 sets has 310. */
const mostNodesOfMessage = 1_000;
const mostNodesOf = new WeakMap<z.ZodType, number>();

/** Most complaints that a check makes: those of a union's branches count, too, also of the branches that were not meant. */
const mostComplaints = 10_000;

/** Ends a check from within: zod would look at all that is left, and word what is wrong with each. */
class TooManyComplaints extends Error {}

/**
 * Says how many values the contract's data may have: everything in it, at every depth. zod looks at every one of them: the
 * limits of lists multiply, and that of a map is checked behind its members.
 */
export function withNodeLimit<Schema extends z.ZodType>(mostNodes: number, schema: Schema): Schema {
  mostNodesOf.set(schema, mostNodes);
  return schema;
}

/**
 * Checks what others wrote against its schema, as `safeParse` does, in bounded work and without its one throw: zod measures
 * the `length` of an object where a text or list is wanted, also when that is itself an object that cannot become a number.
 */
export function checkShape<T>(schema: z.ZodType<T>, value: unknown): z.ZodSafeParseResult<T> {
  const mostNodes = mostNodesOf.get(schema) ?? mostNodesOfMessage;
  if (hasMoreNodes(value, mostNodes)) return refused(value, `has more than ${mostNodes} values`);
  let complaints = 0;
  const error = (): undefined => {
    complaints++;
    if (complaints > mostComplaints) throw new TooManyComplaints();
  };
  try {
    return schema.safeParse(value, { error });
  } catch (thrown) {
    if (thrown instanceof TooManyComplaints) return refused(value, 'has wrong values by the hundred');
    if (!(thrown instanceof TypeError)) throw thrown;
    return refused(value, 'something in it has a length that is no number');
  }
}

function refused<T>(input: unknown, message: string): z.ZodSafeParseResult<T> {
  const found: unknown = new z.ZodError([{ code: 'custom', path: [], message, input }]);
  return { success: false, error: found as z.ZodError<T> };
}

/** Counts until there are too many, and looks at no more. */
function hasMoreNodes(value: unknown, most: number): boolean {
  if (most === Number.POSITIVE_INFINITY) return false;
  const left: unknown[] = [value];
  let nodes = 1;
  while (left.length > 0) {
    const node = left.pop();
    if (typeof node !== 'object' || node === null) continue;
    for (const child of firstChildren(node, most - nodes + 1)) {
      nodes++;
      left.push(child);
    }
    if (nodes > most) return true;
  }
  return false;
}

function firstChildren(node: object, most: number): unknown[] {
  if (Array.isArray(node)) return node.slice(0, most);
  const children: unknown[] = [];
  for (const name in node) {
    if (children.length >= most) break;
    children.push(Reflect.get(node, name));
  }
  return children;
}
