import type { z } from 'zod';
import { isObject } from './json-object.ts';

/** One thing that is wrong in a value: where, by member names and list positions, and what. */
export interface Fault {
  path: PropertyKey[];
  message: string;
}

type Issue = z.core.$ZodIssue;

/** Nobody mends more at a time. */
const mostTold = 20;
/** A message may repeat the names of all members that are not known. */
const mostCharacters = 500;

/** The first of what is wrong, as many as anybody reads. @returns `more` how many are left out */
export function firstOf<T>(faults: readonly T[]): { told: T[]; more: number } {
  const told = faults.slice(0, mostTold);
  return { told, more: faults.length - told.length };
}

const cut = (message: string): string =>
  message.length <= mostCharacters ? message : `${message.slice(0, mostCharacters)}…`;

/**
 * The faults that a schema found. One of a union is that of the branch which its author meant: the one that got
 * farthest into the value; of an object that has the member of no branch, the members to choose from.
 */
export function schemaFaults(issues: readonly Issue[]): Fault[] {
  return issues.flatMap((issue) => {
    if (issue.code === 'invalid_key') {
      return issue.issues.map(({ message }) => ({ path: issue.path, message: cut(message) }));
    }
    if (issue.code !== 'invalid_union' || issue.errors.length === 0) {
      return [{ path: issue.path, message: cut(issue.message) }];
    }
    const branches = issue.errors.map(schemaFaults);
    const depths = issue.errors.map(depthOf);
    const deepest = Math.max(...depths);
    const meant = branches.filter((_, index) => depths[index] === deepest);
    const members = new Set(branches.flatMap((faults) => faults.map(({ path }) => String(path[0]))));
    if (deepest === 1 && meant.length > 1 && members.size > 1) {
      return [{ path: issue.path, message: cut(`needs one of ${[...members].join(', ')}`) }];
    }
    const fewest = meant.sort((a, b) => a.length - b.length)[0] ?? [];
    return fewest.map(({ path, message }) => ({ path: [...issue.path, ...path], message }));
  });
}

/** How far into the value a branch got before it failed: into a member counts less than into what that member chooses. */
function depthOf(issues: readonly Issue[]): number {
  const depths = issues.map((issue) => {
    const within = issue.code === 'invalid_union' ? Math.max(0, ...issue.errors.map(depthOf)) : 0;
    return issue.path.length + (within > 0 ? within + 1 : 0);
  });
  return Math.max(0, ...depths);
}

/** Members of a value that its schema does not know, and so left out of what it made of it. */
export function unknownMembers(value: unknown, parsed: unknown, path: PropertyKey[] = []): Fault[] {
  if (Array.isArray(value)) {
    const items: unknown[] = Array.isArray(parsed) ? parsed : [];
    return value.flatMap((item, index) => unknownMembers(item, items[index], [...path, index]));
  }
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([name, member]) => {
    const here = [...path, name];
    return isObject(parsed) && Object.hasOwn(parsed, name)
      ? unknownMembers(member, parsed[name], here)
      : [{ path: here, message: 'is not known here' }];
  });
}
