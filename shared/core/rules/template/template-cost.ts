import type { Variables } from './template.ts';

/** Characters of a template, or of a variable through one filter, that cost a step. */
const charactersPerStep = { text: 16, variable: 32 };
const stepsPerPiece = 2;

/**
 * What rendering costs, in steps of a work budget, to be paid before it is done: a recipe may have many templates, and a
 * template many variables and filters.
 * @param tree templates and what stands around them, as JSON
 */
export function templateCost(tree: unknown): (variables: Variables) => number {
  const text = JSON.stringify(tree) ?? '';
  const own = Math.ceil(text.length / charactersPerStep.text);
  const pieces = text.split('${').length + text.split('|').length - 2;
  return ({ group, groupVersion, key, envVar, entry }) => {
    // The opened value of inline delivery is not among them: `compileRecipe` bounds how often it is read.
    let longest = Math.max(group.length + groupVersion.length, key.length, envVar.length);
    for (const { length } of Object.values(entry)) longest = Math.max(longest, length);
    return own + pieces * (stepsPerPiece + Math.ceil(longest / charactersPerStep.variable));
  };
}
