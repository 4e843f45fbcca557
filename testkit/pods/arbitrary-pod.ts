import fc from 'fast-check';
import type { SecretRequest } from '#shared/core/flyte/secret-request.ts';
import { isObject, member } from '#shared/core/text/json-object.ts';
import { aPod } from './a-pod.ts';

/** Names of members that have tripped others up. */
export const oddKeys = fc.constantFrom(
  '~',
  '/',
  '~1',
  '~01',
  '',
  '-',
  '0',
  '__proto__',
  'constructor',
  'a/b~c',
  'é',
);

const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.string(),
    fc.integer(),
    fc.constant(null),
    tie('list'),
    tie('object'),
  ),
  list: fc.array(tie('value'), { maxLength: 3 }),
  object: fc.dictionary(oddKeys, tie('value'), { maxKeys: 4 }),
}));

function named(names: readonly string[], more: fc.Arbitrary<object>): fc.Arbitrary<object> {
  return fc
    .tuple(fc.constantFrom(...names), more, json.object)
    .map(([name, rest, odd]) => ({ ...(odd as object), name, ...rest }));
}

function orNull(list: fc.Arbitrary<object[]>): fc.Arbitrary<object[] | null | undefined> {
  return fc.option(fc.option(list, { nil: null }), { nil: undefined });
}

const variable = named(['A', 'X', '_FSEC_DB_K1', 'FLYTE_SECRETS_DEFAULT_DIR'], fc.constant({ value: 'u' }));
const mount = named(
  ['v', 'aws-secret-vol'],
  fc.record({ mountPath: fc.constantFrom('/v', '/etc/flyte/secrets/api/') }),
);
const lists = fc.record(
  {
    env: orNull(fc.array(variable, { maxLength: 3 })),
    volumeMounts: orNull(fc.array(mount, { maxLength: 2 })),
  },
  { requiredKeys: [] },
);
const container = named(['main', 'side', 'aws-pull-secret-0', 'gcp-pull-secret-2'], lists);
const volume = named(['v', 'mrrf5', 'mfygsxy', 'aws-secret-vol'], fc.constant({ emptyDir: {} }));
const annotationName = fc.oneof(
  oddKeys.filter((key) => key !== '__proto__'),
  fc.constantFrom('vault.hashicorp.com/role', 'vault.hashicorp.com/agent-inject'),
);

/** A pod of any shape that asks for up to six of these secrets. */
export function arbitraryPod(request: fc.Arbitrary<Partial<SecretRequest>>): fc.Arbitrary<object> {
  return fc
    .record({
      asks: fc.array(request, { maxLength: 6 }),
      annotations: fc.dictionary(annotationName, fc.string()),
      spec: fc.record({
        containers: orNull(fc.array(container, { maxLength: 3 })),
        initContainers: orNull(fc.array(container, { maxLength: 2 })),
        volumes: orNull(fc.array(volume, { maxLength: 3 })),
      }),
    })
    .map(aPod);
}

/** The same pod, its annotations written in the opposite order. */
export function withAnnotationsReversed(pod: object): object {
  const metadata = member(pod, 'metadata');
  const annotations = Object.entries(member(metadata, 'annotations') ?? {}).reverse();
  return {
    ...pod,
    metadata: { ...(isObject(metadata) ? metadata : {}), annotations: Object.fromEntries(annotations) },
  };
}
