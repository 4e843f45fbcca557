import type { ErrorCode } from '#shared/contracts/error-registry.ts';
import { type Mount, requestFields } from '#shared/contracts/rules/rule-recipe.ts';
import type { SecretRequest } from '#shared/core/flyte/secret-request.ts';
import { mountRequirementNames } from '#shared/core/flyte/secret-text.ts';
import { fieldFormatFault } from '#shared/core/rules/template/field-format.ts';
import { joinWords, quote } from '#shared/core/text/plain-text.ts';
import type { CompiledRecipe } from './recipe.ts';

/** How a manager would mount the secret, or why it can never serve the request. */
type FieldCheck = { mount: Mount } | { code: ErrorCode; reason: string };

/** The fields of a request by the names that a task author knows. */
export const fieldNames = {
  group: 'group',
  groupVersion: 'group_version',
  key: 'key',
  envVar: 'env_var',
} as const;

/** Holds a request against what a recipe can serve at all: missing fields, impossible names, mounts. */
export function checkFields(recipe: CompiledRecipe, request: SecretRequest): FieldCheck {
  for (const field of requestFields) {
    const rule = recipe.fields[field];
    if (rule?.forbidden && request[field] !== '') {
      return {
        code: 'NAME_IMPOSSIBLE',
        reason: `${fieldNames[field]} ${quote(request[field])} may not be given`,
      };
    }
    if (rule?.required && request[field] === '') {
      return { code: 'FIELD_MISSING', reason: `${fieldNames[field]} is missing` };
    }
  }
  for (const field of requestFields) {
    const rule = recipe.fields[field];
    const fault = request[field] === '' ? undefined : fieldFormatFault(request[field], rule);
    if (fault !== undefined) {
      const reason = `${fieldNames[field]} ${quote(request[field])} ${fault}`;
      return { code: 'NAME_IMPOSSIBLE', reason };
    }
  }
  const { mountRequirement } = request;
  const mount = [recipe.mounts.any, 'env' as const, 'file' as const][mountRequirement];
  if (mount !== undefined && recipe.mounts.accepts.includes(mount)) return { mount };
  const name = mountRequirementNames[mountRequirement] ?? `number ${mountRequirement}`;
  const offered = recipe.mounts.accepts.map((accepted) => (accepted === 'env' ? 'ENV_VAR' : 'FILE'));
  const reason = `mount requirement ${name} is not possible, only ${joinWords(offered)}`;
  return { code: 'MOUNT_UNSUPPORTED', reason };
}
