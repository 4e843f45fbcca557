import { z } from 'zod';
import { initContainerPositions } from '#shared/contracts/config/init-container-position.ts';
import { recipePolicySchema } from '#shared/contracts/config/policy.ts';
import { withNodeLimit } from '#shared/contracts/shapes/check-shape.ts';
import { fewMembers } from '#shared/contracts/shapes/config-values.ts';

/**
 * Message: how a manager injects a secret, bucket latchkey_rules, key `<manager>.recipe`.
 * Producer: the manager's resolver. Consumer: every gateway, which compiles it once when it arrives.
 * Strings marked as templates read `${group}`, `${key|lower}`, `${entry.secretName}` and the like
 * (shared/core/rules/template/template.ts lists the variables and filters). A recipe holds no regular expression.
 */
const longestTemplate = 4096;
const template = z.string().max(longestTemplate).meta({ title: 'template' });

/**
 * A lookup key: the globs of a policy's rule go through its filters as names do, and only these leave a glob one of the
 * same names. Through a hash a rule would name nothing, and forbid nothing.
 */
const lookupFilters = ['upper', 'lower', 'trimStart', 'trimEnd'];
/** A name is taken apart into its variables, in every way in which that can be done. */
const mostLookupVariables = 8;
/** Every request is judged, and looked up, under each. */
const mostLookups = 8;
/** Looked into only when it is no longer than it may be: without `abort` zod goes on to the next check. */
const lookupTemplate = z
  .string()
  .max(longestTemplate, { abort: true })
  .meta({ title: 'template' })
  .superRefine((text, { addIssue }) => {
    const message = lookupProblem(text);
    if (message !== undefined) addIssue({ code: 'custom', message });
  });

function lookupProblem(text: string): string | undefined {
  const variables = text.split('${').length - 1;
  if (variables > mostLookupVariables) {
    return `reads ${variables} variables; a lookup may read ${mostLookupVariables}`;
  }
  const lost = filtersOf(text).find((filter) => !lookupFilters.includes(filter.split(':')[0] ?? ''));
  return lost === undefined
    ? undefined
    : `filter "${lost}" cannot stand in a lookup, for no policy could name the secret; there are ${lookupFilters.join(', ')}`;
}

/** Lists the filters of all variables, in one pass. */
function filtersOf(text: string): string[] {
  const filters: string[] = [];
  let close = 0;
  for (let open = text.indexOf('${'); open >= 0; open = text.indexOf('${', close)) {
    close = text.indexOf('}', open);
    if (close < 0) break;
    filters.push(...text.slice(open, close).split('|').slice(1));
  }
  return filters;
}

/**
 * How a manager's own names can be written in several ways; shared/core/rules/policy/secret-spelling.ts compares them.
 * `aws-arn`: with or without the six characters behind a name. `vault-path`: with or without `data` behind the mount.
 * `azure-uri`: in every letter case, as any kind of object, by every host of a vault.
 */
export const spellings = ['aws-arn', 'vault-path', 'azure-uri'] as const;
export type SpellingName = (typeof spellings)[number];

/** Every name that is suggested is held against each. */
const mostHiddenPrefixes = 8;

/** Of edits, and of any other list or map of a recipe; those that latchkey ships have ten. */
const mostItems = 200;
/** Most values in a recipe: its policy may have nearly as many as latchkey.yaml. */
export const mostRecipeNodes = 25_000;

/** The fields of a request, flyteidl `core.Secret`. */
export const requestFields = ['group', 'groupVersion', 'key', 'envVar'] as const;
export type RequestField = (typeof requestFields)[number];

/** What a field may consist of; shared/core/rules/template/field-format.ts decides. */
export const fieldFormats = [
  /** Name of a Kubernetes object: RFC 1123 subdomain. */
  'dns1123-subdomain',
  /** Key in a Kubernetes Secret. */
  'secret-key',
  /** Name of an environment variable in a pod. */
  'env-name',
  /** One name in a path: letters, digits, `-`, `_`, `.`; not `.` or a leading `..`. */
  'path-segment',
  /** Several of these with `/` between. */
  'path',
  /** An Amazon resource name or a plain name: a path that may also hold `:`, `+`, `=`, `@`. */
  'arn',
  /** `https://<host>/<path>`: a host and path segments, perhaps a slash behind them. */
  'https-url',
] as const;
export type FieldFormat = (typeof fieldFormats)[number];

const fieldRuleSchema = z.object({
  required: z.boolean().default(false),
  /** Whether a request that has the field is not served. */
  forbidden: z.boolean().optional(),
  format: z.enum(fieldFormats).optional(),
  /** Characters that the field may hold besides those of its format: such as are safe in a shell word and in quotes. */
  alsoHolds: z
    .string()
    .regex(/^[!+:=@]+$/)
    .max(5)
    .optional(),
  /** Whether a format of several segments may have one `/` in front. */
  leadingSlash: z.boolean().optional(),
  /** Segments that a path has at least, of a URL those behind the host. */
  leastSegments: z.int().positive().max(8).optional(),
  maxLength: z.int().positive().optional(),
  forbiddenPrefixes: z.array(z.string().min(1)).max(mostItems).default([]),
  /** The values that make a difference; any other is ignored, with a warning. Absent: all do. */
  honoured: z.array(z.string()).max(mostItems).optional(),
});

const mountSchema = z.enum(['env', 'file']);
/** How a secret reaches the task: as an environment variable or as a file. */
export type Mount = z.infer<typeof mountSchema>;

const fieldName = z.enum(requestFields);
const whenSchema = z.union([
  /** The edit happens only when the request has this field. */
  z.enum(['envVar', 'groupVersion']),
  /** Only when the field has one of these values. */
  z.object({ field: fieldName, oneOf: z.array(z.string()).max(mostItems) }),
  /** Only when the field has none of these values. */
  z.object({ field: fieldName, noneOf: z.array(z.string()).max(mostItems) }),
]);
export type When = z.infer<typeof whenSchema>;
/** Every request is held against each. */
const mostEveryKey = 8;
/** Of a list all must hold. */
const when = z.union([whenSchema, z.array(whenSchema).max(mostItems)]).optional();

const secretKeyRefSchema = z.object({ name: template, key: template, optional: z.boolean() });
const envEntrySchema = z.union([
  z.object({ name: template, valueFrom: z.object({ secretKeyRef: secretKeyRefSchema }) }),
  z.object({ name: template, value: template }),
]);
const volumeSchema = z.union([
  z.object({
    name: template,
    secret: z.object({
      secretName: template,
      items: z
        .array(z.object({ key: template, path: template, when }))
        .min(1)
        .max(mostItems),
      optional: z.boolean(),
    }),
  }),
  z.object({
    name: template,
    emptyDir: z.object({ medium: z.literal('Memory').optional(), sizeLimit: template.optional() }),
  }),
  z.object({
    name: template,
    csi: z.object({
      driver: template,
      readOnly: z.boolean().optional(),
      volumeAttributes: fewMembers(mostItems, z.record(z.string(), template)).optional(),
    }),
  }),
]);
const volumeMountSchema = z.object({ name: template, mountPath: template, readOnly: z.boolean().optional() });
const initContainerSchema = z.object({
  /** The pod gets it with `-<n>` behind: n is its place among the init containers as Flyte counts, or the next free. */
  name: template,
  image: template,
  command: z.array(template).max(mostItems).optional(),
  args: z.array(template).max(mostItems).optional(),
  env: z.array(envEntrySchema).max(mostItems).optional(),
  volumeMounts: z.array(volumeMountSchema).max(mostItems).optional(),
  resources: z
    .partialRecord(z.enum(['limits', 'requests']), fewMembers(mostItems, z.record(z.string(), template)))
    .optional(),
  securityContext: fewMembers(mostItems, z.record(z.string(), z.json())).optional(),
});

const annotationSchema = z.object({
  name: template,
  value: template,
  /** Whether the secret needs this value: a pod that has another one is denied. Absent: the pod's own value stays. */
  fixed: z.boolean().optional(),
  /** Annotations that keep this one from having an effect: a pod that has one is denied where this one is to be added. */
  forbids: z.array(template).max(8).optional(),
});
export type Annotation = z.infer<typeof annotationSchema>;

/** One change of the pod, in Kubernetes' own nouns. */
const editSchema = z.union([
  /** Added to every container and init container. */
  z.object({ env: envEntrySchema, when }),
  /** Added to the pod; volumes that are mounted at one path are one, whichever manager wants them. */
  z.object({ volume: volumeSchema, when }),
  /** Added to every container and init container; `name` is that of a volume edit of the same list. */
  z.object({ volumeMount: volumeMountSchema, when }),
  /** Put among the pod's init containers, one for each request. */
  z.object({
    initContainer: initContainerSchema,
    /** The only system that the container runs on: a pod for another one is denied. */
    os: z.literal('linux').optional(),
    /** Where among the others; absent: first. */
    position: z.enum(initContainerPositions).optional(),
    when,
  }),
  /** Added to the pod unless it has one of that name. */
  z.object({ annotation: annotationSchema, when }),
  /**
   * States a file that the other edits bring about where no volume edit shows it. It changes nothing in the pod, but
   * two secrets that want one place are refused unless `source` (what the file is filled from) is the same.
   */
  z.object({ file: z.object({ path: template, source: template }), when }),
]);

export const recipeSchema = withNodeLimit(
  mostRecipeNodes,
  z.object({
    schema: z.literal(1).describe('Version of the message.'),
    manager: z.string().min(1).describe('Manager that the recipe is of.'),
    description: template.describe('Template of what a denial calls the secret.'),
    scope: z
      .enum(['namespace', 'cluster'])
      .describe('`namespace` answers `unknown` in a namespace without a marker; `cluster` needs none.'),
    inventory: z
      .enum(['closed', 'open'])
      .describe('`closed` admits only entries that exist; `open` trusts the request.'),
    fields: z.partialRecord(fieldName, fieldRuleSchema).describe('What each field of a request may hold.'),
    mounts: z
      .object({
        accepts: z
          .array(mountSchema)
          .min(1)
          .max(mountSchema.options.length)
          .describe('Ways of delivery that the manager has.'),
        any: mountSchema.describe('What a request for ANY becomes.'),
      })
      .describe('How a secret reaches the task.'),
    lookup: z
      .array(lookupTemplate)
      .max(mostLookups)
      .describe('Templates of the lookup keys, tried in this order.'),
    inventoryKey: template
      .optional()
      .describe('Template of the name in a closed inventory, where that says less than the lookup key.'),
    spelling: z
      .enum(spellings)
      .optional()
      .describe('How one secret can be written in several ways (docs/policy.md); absent: in one.'),
    everyKey: z
      .array(z.union([whenSchema, z.array(whenSchema).max(mostEveryKey)]))
      .max(mostEveryKey)
      .optional()
      .describe(
        'When a request gets every key of its group, whatever key it names; one condition is enough.',
      ),
    hiddenPrefixes: z
      .array(z.string().min(1))
      .max(mostHiddenPrefixes)
      .optional()
      .describe('Beginnings of lookup keys that people do not write: suggestions leave them out.'),
    policy: recipePolicySchema
      .optional()
      .describe("Who may use the manager's secrets (docs/policy.md); absent: everybody."),
    edits: z
      .object({
        env: z.array(editSchema).max(mostItems).describe('Changes of the pod for a secret as a variable.'),
        file: z.array(editSchema).max(mostItems).describe('Changes of the pod for a secret as a file.'),
      })
      .describe('Changes of the pod (docs/recipes.md).'),
  }),
);

/** A recipe as its resolver writes it (defaults may be left out). */
export type Recipe = z.input<typeof recipeSchema>;
export type ParsedRecipe = z.infer<typeof recipeSchema>;
export type FieldRule = z.infer<typeof fieldRuleSchema>;
export type Edit = z.infer<typeof editSchema>;
export type EnvEntry = z.infer<typeof envEntrySchema>;
export type Volume = z.infer<typeof volumeSchema>;
export type VolumeMount = z.infer<typeof volumeMountSchema>;
export type InitContainer = z.infer<typeof initContainerSchema>;
