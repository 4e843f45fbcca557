import type { When } from '#shared/contracts/rules/rule-recipe.ts';
import { RequestVariables } from '#shared/core/rules/template/request-variables.ts';
import { compileTemplate, type Variables } from '#shared/core/rules/template/template.ts';

type Json = string | number | boolean | null | undefined | Json[] | { [key: string]: Json };

/** A part of a recipe that is ready to be rendered. */
interface CompiledNode {
  render: (variables: Variables) => Json;
  /** Whether it is the same for every request: then all of them share what is rendered, which is frozen. */
  isFixed: boolean;
}

/** Compiles every string inside a JSON value as a template; `when` leaves an object out of its list. */
export function compileTree<T extends Json[]>(tree: T, where: string): (variables: Variables) => T {
  return compileNode(tree, where).render as (variables: Variables) => T;
}

function compileNode(node: Json, where: string): CompiledNode {
  if (typeof node === 'string')
    return { render: compileTemplate(node, where), isFixed: !node.includes('${') };
  if (Array.isArray(node)) return compileList(node, where);
  if (typeof node !== 'object' || node === null) return { render: () => node, isFixed: true };
  const members = Object.entries(node)
    .filter(([name, value]) => name !== 'when' && value !== undefined)
    .map(([name, value]) => ({ name, ...compileNode(value, `${where}.${name}`) }));
  const render = (variables: Variables): Json => {
    // The schema leaves out whatever is called "__proto__", which would set the prototype.
    const object: { [name: string]: Json } = {};
    for (const member of members) object[member.name] = member.render(variables);
    return object;
  };
  return onceIf(
    members.every(({ isFixed }) => isFixed),
    render,
  );
}

function compileList(list: readonly Json[], where: string): CompiledNode {
  const items = list.map((item, index) => ({
    wanted: compileCondition(item),
    ...compileNode(item, `${where}[${index}]`),
  }));
  const render = (variables: Variables): Json => {
    const rendered: Json[] = [];
    for (const item of items) {
      if (item.wanted?.(variables) !== false) rendered.push(item.render(variables));
    }
    return rendered;
  };
  return onceIf(
    items.every(({ isFixed, wanted }) => isFixed && wanted === undefined),
    render,
  );
}

/** Renders what is fixed only once. */
function onceIf(isFixed: boolean, render: CompiledNode['render']): CompiledNode {
  if (!isFixed) return { render, isFixed };
  const once = render(noVariables);
  Object.freeze(once);
  return { render: () => once, isFixed };
}

const noVariables = new RequestVariables({ group: '', groupVersion: '', key: '', envVar: '' }, '');

/** Compiles the condition of an item of a list; undefined where it has none. */
function compileCondition(item: Json): ((variables: Variables) => boolean) | undefined {
  const isObject = typeof item === 'object' && item !== null && !Array.isArray(item);
  if (!isObject || item.when === undefined) return undefined;
  return allHold(item.when as When | When[]);
}

function allHold(when: When | When[]): (variables: Variables) => boolean {
  const conditions = [when].flat();
  if (conditions.length === 0) return () => true;
  return (variables) => conditions.every((condition) => holds(condition, variables));
}

export function oneHolds(list: readonly (When | When[])[]): (variables: Variables) => boolean {
  const each = list.map(allHold);
  return (variables) => each.some((all) => all(variables));
}

function holds(condition: When, variables: Variables): boolean {
  if (typeof condition === 'string') return variables[condition] !== '';
  const value = variables[condition.field];
  return 'oneOf' in condition ? condition.oneOf.includes(value) : !condition.noneOf.includes(value);
}
