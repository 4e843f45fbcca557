import { z } from 'zod';

/** Values that several fields of the configuration have. The title is what docs/configuration.md calls the type. */
export const absolutePath = z.string().startsWith('/').meta({ title: 'absolute path' });
export const httpUrl = z.url({ protocol: /^https?$/ }).meta({ title: 'http or https URL' });
export const httpsUrl = z.url({ protocol: /^https$/ }).meta({ title: 'https URL' });
/** An object of any JSON, passed on as it is. */
export const jsonObject = z.record(z.string(), z.json().meta({ id: 'json', title: 'any JSON' }));

/** Of namespaces that a list names; more are selected by label. */
export const mostNamedNamespaces = 5_000;
/** Of labels, annotations and the like that a map holds. */
export const mostMembers = 200;

export const namespaceName = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'is not a Kubernetes namespace name')
  .meta({ title: 'namespace name' });

/** A name that Kubernetes accepts for a label or an annotation (apimachinery IsQualifiedName). */
export const qualifiedName = z
  .string()
  .max(317)
  .regex(
    /^([a-z0-9][-a-z0-9.]*\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/,
    'is not the name of a label or an annotation',
  )
  .meta({ title: 'label or annotation name' });

/** The value of a label (apimachinery IsValidLabelValue): it goes into a selector, where `,` and `!` have a meaning. */
export const labelValue = z
  .string()
  .regex(/^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/, 'is not the value of a label')
  .meta({ title: 'label value' });

/** A map of few members, as {@link z.ZodArray.max} has it of lists. */
export function fewMembers<Map extends z.ZodType>(most: number, map: Map): Map {
  return map
    .refine((value) => Object.keys(value ?? {}).length <= most, `has more than ${most} members`)
    .meta({ maxProperties: most });
}

export const managerName = z
  .string()
  .regex(/^[a-z0-9][-a-z0-9]*$/, 'is not a manager name')
  .meta({ title: 'manager name' });
