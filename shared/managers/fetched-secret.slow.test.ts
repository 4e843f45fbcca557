import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { admitReview } from '#shared/core/admission/admit.ts';
import type { SecretRequest } from '#shared/core/flyte/secret-request.ts';
import { applyPatch } from '#shared/core/patch/apply-patch.ts';
import { aPod, aReview, someRules } from '#testkit/pods/a-pod.ts';
import { heavyPropertyRuns } from '#testkit/properties/property-runs.ts';

type Ask = Pick<SecretRequest, 'group' | 'groupVersion' | 'key' | 'envVar' | 'mountRequirement'>;

/** What a pod gets, by the names of whoever gives it out: read from its own fields, not from the recipe. */
interface Fetched {
  secret: string;
  /** Undefined where the whole secret is fetched, or has no keys. */
  key?: string | undefined;
}

interface KeyRef {
  name?: string;
  secretName?: string;
  key?: string;
  items?: { key: string }[];
}
interface Injected {
  metadata: { annotations: Record<string, string> };
  spec: {
    volumes?: { secret?: KeyRef }[];
    initContainers?: { command?: string[]; env?: { name: string; value?: string }[] }[];
    containers: { env?: { name: string; valueFrom?: { secretKeyRef?: KeyRef } }[] }[];
  };
}

function inject(config: object, ask: Ask): Injected | undefined {
  const pod = aPod({ asks: [ask] }) as Injected;
  const { outcome, patch } = admitReview(aReview(pod), someRules(config, inventory));
  if (outcome !== 'injected') return undefined;
  applyPatch(pod, patch);
  return pod;
}

const variables = ['A_B_C', 'A_B', 'A_C', 'B_C', 'C_A'].map((name) => [`FLYTE_SECRET_${name}`, 'v']);
const inventory = {
  global: { env: Object.fromEntries(variables), files: { 'a/b_c': 'v', 'a_b/c': 'v' } },
};
const script = ({ spec }: Injected): string => spec.initContainers?.[0]?.command?.at(-1) ?? '';
const only = (pattern: RegExp, text: string): string => pattern.exec(text)?.[1] ?? assert.fail(text);

/** The Secret of Kubernetes and its key that a container reads. */
function fromKubernetes({ spec }: Injected): Fetched {
  const env = spec.containers[0]?.env?.find(({ valueFrom }) => valueFrom)?.valueFrom?.secretKeyRef;
  const volume = spec.volumes?.find(({ secret }) => secret)?.secret;
  return {
    secret: env?.name ?? volume?.secretName ?? assert.fail(),
    key: env?.key ?? volume?.items?.[0]?.key,
  };
}

const arbitrary = (fields: Partial<Record<keyof Ask, readonly (string | number)[]>>): fc.Arbitrary<Ask> => {
  const one = (field: keyof Ask, other: string | number) => fc.constantFrom(...(fields[field] ?? [other]));
  return fc.record({
    group: one('group', ''),
    groupVersion: one('groupVersion', ''),
    key: one('key', ''),
    envVar: one('envVar', ''),
    mountRequirement: one('mountRequirement', 0),
  }) as fc.Arbitrary<Ask>;
};
const joined = (...pieces: readonly string[][]): string[] =>
  pieces.reduce((all, next) => all.flatMap((text) => next.map((piece) => text + piece)), ['']);
const names = ['a', 'a_b', 'A', 'b_c', 'c', 'C', 'b'];
const versions = ['', '', '1', 'latest', 'a', 'b', '0123', 'a/b', '.'];
const common = { envVar: ['', 'X'], mountRequirement: [0, 1, 2] };

/** For each manager what may be asked of it, and how the pod says what it fetches. */
const managers: Record<string, { asks: fc.Arbitrary<Ask>; fetched: (pod: Injected) => Fetched }> = {
  k8s: {
    asks: arbitrary({ ...common, group: ['a', 'b', 'a.b', 'A'], groupVersion: versions, key: names }),
    fetched: fromKubernetes,
  },
  global: {
    asks: arbitrary({ ...common, group: names, groupVersion: versions, key: names }),
    fetched: fromKubernetes,
  },
  aws: {
    asks: arbitrary({
      ...common,
      group: joined(
        ['arn:aws:s:r:1:secret', 'arn:aws:s:r:1:secret:a', 'arn:aws', '/a', 'a'],
        ['', ':', '::'],
      ),
      groupVersion: versions,
      key: joined(['', ':', '::', 's:r:1:secret:'], ['a', 'a-AbCdE9', 'b', 'B', 'a:b', '/b']),
    }),
    fetched: ({ spec }) => {
      const arn = spec.initContainers?.[0]?.env?.find(({ name }) => name === 'SECRET_ARN')?.value ?? '';
      return { secret: arn.replace(/-[A-Za-z0-9]{6}$/, '') };
    },
  },
  gcp: {
    asks: arbitrary({
      ...common,
      group: joined(
        ['', 'projects/p/secrets/', 'projects/p/'],
        ['a', 'b', 'a/versions/1', 'secrets', 'A'],
        ['', '/'],
      ),
      groupVersion: versions,
      key: ['', 'a'],
    }),
    fetched: (pod) => {
      const first = only(/versions access (\S+)\/versions\/[^/ ]+ /, script(pod));
      assert.equal(only(/--secret=(\S+)/, script(pod)), first);
      return { secret: first };
    },
  },
  vault: {
    asks: arbitrary({
      ...common,
      group: joined(['', '/'], ['kv/', 'kv/data/'], ['a', 'a', 'b', 'a/b', 'data/a']),
      groupVersion: ['', 'kv1', 'kv2', 'db', 'x'],
      key: ['a', 'b', 'data', 'data', 'metadata', 'A'],
    }),
    fetched: ({ metadata: { annotations } }) => {
      const annotationOf = (name: string): string =>
        Object.entries(annotations).find(([each]) =>
          each.startsWith(`vault.hashicorp.com/agent-inject-${name}-`),
        )?.[1] ?? '';
      const secret = annotationOf('secret').replaceAll(/\/data(?=\/)/g, '');
      const [, ofKv2, key] =
        /\{\{ (?:index )?\.Data(\.data)?[. ]"?([^" ]+)"? \}\}/.exec(annotationOf('template')) ?? [];
      const isWhole = key === undefined || (ofKv2 === undefined && ['data', 'metadata'].includes(key));
      return isWhole ? { secret } : { secret, key };
    },
  },
  azure: {
    asks: arbitrary({
      ...common,
      group: joined(
        ['https://'],
        ['v.vault.azure.net', 'V.Vault.azure.net', 'v.vault.azure.net.', 'v.vaultcore.azure.net'],
        ['/secrets', '/secrets', '/certificates', '/other', ''],
        ['/a', '/A', '/b', '/c', '/a/0123', '', '/..'],
        ['', '', '', '', '/', '?a', '#', '%2Fa'],
      ),
      groupVersion: versions,
      key: ['', 'a'],
    }),
    fetched: (pod) => {
      const { hostname, pathname } = new URL(only(/--id "([^"]*)"/, script(pod)));
      const [kind, name] = pathname.split('/').filter((segment) => segment !== '');
      assert.ok(kind !== undefined && name !== undefined, pathname);
      return { secret: `${hostname.split('.')[0]}/${name}`.toLowerCase() };
    },
  },
};

/** A rule about what the request names, where it has keys this key alone. */
const ruleAbout = (
  { group, key }: Ask,
  { key: fetchedKey }: Fetched,
  manager: string,
  namespace: string,
) => ({
  name: 'own',
  managers: [manager],
  groups: [group],
  ...(fetchedKey === undefined && manager !== 'aws' ? {} : { keys: [key] }),
  namespaces: [namespace],
});

/** Each run decides four pods. */
const runs = heavyPropertyRuns(1_000, 1);

const isPartOf = (part: Fetched, { secret, key }: Fetched): boolean =>
  part.secret === secret && (key === undefined || part.key === key);

/** A rule for any key of a path of Vault is about what lies below it, too. */
const isBelow = (part: Fetched, { secret, key }: Fetched): boolean =>
  key === undefined && part.secret.startsWith(`${secret}/`);

const areAlike = (one: Fetched, other: Fetched): boolean => isPartOf(one, other) || isPartOf(other, one);

for (const [manager, { asks, fetched }] of Object.entries(managers)) {
  test(`two requests that fetch the same secret of ${manager} are judged alike, however they are written`, () => {
    const config = { chain: [manager], k8s: { inventory: 'open' } };
    const seen = { alike: 0, other: 0 };
    const served = asks.filter((ask) => inject(config, ask) !== undefined);
    const pair = fc.tuple(served, served, fc.boolean());
    fc.assert(
      fc.property(pair, ([asked, other, isSameVersion]) => {
        const again = isSameVersion ? { ...other, group: asked.group, key: asked.key } : other;
        const [pod, otherPod] = [inject(config, asked), inject(config, again)];
        if (pod === undefined || otherPod === undefined) return;
        const [has, wants] = [fetched(pod), fetched(otherPod)];
        const about = (namespace: string) => [ruleAbout(asked, has, manager, namespace)];
        const isAlike = areAlike(has, wants);
        seen[isAlike ? 'alike' : 'other']++;
        const gets = (byDefault: string, namespace: string): Fetched | undefined => {
          const policy = { default: byDefault, rules: about(namespace) };
          const injected = inject({ ...config, policy }, again);
          return injected && fetched(injected);
        };
        // Of two names it may get what stands under the other.
        const kept = isAlike ? gets('allow', 'owner') : undefined;
        assert.ok(kept === undefined || !areAlike(has, kept), 'a rule that keeps the secret is evaded');
        const given = gets('deny', 'ns');
        assert.ok(
          given === undefined || isPartOf(given, has) || isBelow(given, has),
          'a rule gives out more than it names',
        );
      }),
      runs,
    );
    assert.ok(Math.min(seen.alike, seen.other) > runs.numRuns / 100, JSON.stringify(seen));
  });
}
