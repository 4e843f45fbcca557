import { type Command, exitCodes, exitCodesHelp, UsageError } from '#cli/command.ts';
import { readTextArgument } from '#cli/text-argument.ts';
import { checkRecipe, describeRecipeFault } from '#shared/managers/custom/recipe-file.ts';
import { describeRecipe } from './describe-recipe.ts';

export const recipeCommand: Command = {
  help: `Usage: latchkey recipe check [--json] FILE

Reports the errors of a recipe with line numbers, or describes what the recipe does.
FILE is - for stdin. docs/recipes.md describes recipes.

  --json   print {valid, faults: [{line, column?, field, message}]} as JSON

${exitCodesHelp}`,
  options: { json: { type: 'boolean' } },
  async run(terminal, values, [action, file, ...rest]) {
    if (action !== 'check' || file === undefined || rest.length > 0) {
      throw new UsageError('recipe takes "check" and one file');
    }
    const checked = checkRecipe(await readTextArgument(file, terminal, 'RECIPE_INVALID'));
    const faults = 'faults' in checked ? checked.faults : [];
    const valid = faults.length === 0;
    if (values.json === true) terminal.output.json({ valid, faults });
    else if ('recipe' in checked) terminal.output.lines(describeRecipe(checked.recipe));
    else terminal.errors.lines(faults.map((fault) => describeRecipeFault(file, fault)));
    return valid ? exitCodes.done : exitCodes.refused;
  },
};
