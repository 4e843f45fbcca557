import { isObject } from '#shared/core/text/json-object.ts';
import type { AddOperation } from './add-operation.ts';

/**
 * Applies operations to a document, which is changed in place.
 * @throws Error when an operation does not apply, as the API server would
 */
export function applyPatch(document: unknown, patch: readonly AddOperation[]): void {
  for (const { path, value } of patch) {
    const tokens = path.split('/').slice(1).map(unescapePointer);
    const last = tokens.pop();
    if (last === undefined || !path.startsWith('/')) throw new Error(`the path ${path} does not apply`);
    const parent = tokens.reduce((node, token) => step(node, token, path), document);
    add(parent, last, structuredClone(value), path);
  }
}

function unescapePointer(token: string): string {
  return token.replaceAll('~1', '/').replaceAll('~0', '~');
}

function step(node: unknown, token: string, path: string): unknown {
  const index = Array.isArray(node) ? arrayIndex(token, node.length - 1) : undefined;
  if (Array.isArray(node) && index !== undefined) return node[index];
  if (isObject(node) && Object.hasOwn(node, token)) return node[token];
  throw new Error(`the path ${path} does not apply`);
}

function add(parent: unknown, token: string, value: unknown, path: string): void {
  if (isObject(parent)) {
    Object.defineProperty(parent, token, { value, writable: true, enumerable: true, configurable: true });
    return;
  }
  if (!Array.isArray(parent)) throw new Error(`the path ${path} does not apply`);
  const index = token === '-' ? parent.length : arrayIndex(token, parent.length);
  if (index === undefined) throw new Error(`the path ${path} does not apply`);
  parent.splice(index, 0, value);
}

function arrayIndex(token: string, largest: number): number | undefined {
  return /^(0|[1-9][0-9]*)$/.test(token) && Number(token) <= largest ? Number(token) : undefined;
}
