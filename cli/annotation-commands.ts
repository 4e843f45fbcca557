import { decodeAnnotation, encodeAnnotation } from '#shared/core/flyte/secret-request.ts';
import { mountRequirementNames } from '#shared/core/flyte/secret-text.ts';
import { type Command, exitCodes, exitCodesHelp, UsageError } from './command.ts';

/** A request as the value of a `flyte.secrets/s<number>` annotation. */
export const encodeAnnotationCommand: Command = {
  help: `Usage: latchkey encode --group G --key K [--group-version V] [--mount ANY|ENV_VAR|FILE] [--env-var NAME]

Prints the value of a flyte.secrets/s<number> annotation, as Flyte's propeller writes it.

${exitCodesHelp}`,
  options: {
    group: { type: 'string' },
    key: { type: 'string' },
    'group-version': { type: 'string' },
    mount: { type: 'string' },
    'env-var': { type: 'string' },
  },
  async run({ output }, values, positionals) {
    if (positionals.length > 0) throw new UsageError('encode takes options only');
    const text = (option: string): string => String(values[option] ?? '');
    const mountRequirement = mountRequirementNames.indexOf(text('mount') || 'ANY');
    if (mountRequirement < 0) throw new UsageError(`--mount is one of ${mountRequirementNames.join(', ')}`);
    const value = encodeAnnotation({
      group: text('group'),
      groupVersion: text('group-version'),
      key: text('key'),
      envVar: text('env-var'),
      mountRequirement,
    });
    output.line(value);
    return exitCodes.done;
  },
};

/** The request that an annotation's value holds. */
export const decodeAnnotationCommand: Command = {
  help: `Usage: latchkey decode VALUE

Prints the request in the value of a flyte.secrets/s<number> annotation as JSON.

${exitCodesHelp}`,
  options: {},
  async run({ output }, _values, [value, ...rest]) {
    if (value === undefined || rest.length > 0) throw new UsageError('decode takes one value');
    const { mountRequirement, ...fields } = decodeAnnotation('VALUE', value);
    const mount = mountRequirementNames[mountRequirement] ?? mountRequirement;
    output.json({ ...fields, mountRequirement: mount });
    return exitCodes.done;
  },
};
