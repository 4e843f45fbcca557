import { z } from 'zod';
import { withNodeLimit } from '#shared/contracts/shapes/check-shape.ts';
import { mostRecipeNodes, recipeSchema } from './rule-recipe.ts';

/**
 * File: the recipe of a manager of the operator's own, as YAML; `custom` in latchkey.yaml names it. Read by the
 * manager's resolver, `latchkey recipe check` and `latchkey explain`. docs/recipes.md describes every field.
 * The manager's name, scope and policy stand in latchkey.yaml or follow from the rest.
 */
export const recipeFileSchema = withNodeLimit(
  mostRecipeNodes,
  recipeSchema.omit({ schema: true, manager: true, scope: true, policy: true, inventoryKey: true }).extend({
    inventory: recipeSchema.shape.inventory.default('open'),
    /** Whose inventory says what exists; with `inventory: closed` and only then. */
    source: z.enum(['k8s', 'global']).optional(),
    lookup: recipeSchema.shape.lookup.min(1),
    edits: z.object({
      env: recipeSchema.shape.edits.shape.env.default([]),
      file: recipeSchema.shape.edits.shape.file.default([]),
    }),
  }),
);

export type RecipeFile = z.infer<typeof recipeFileSchema>;
