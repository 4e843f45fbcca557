import { encodeAnnotation, type SecretRequest } from '#shared/core/flyte/secret-request.ts';
import type { Rules } from '#shared/core/rules/chain.ts';
import { anAnnotation, aPod, aReview, mountNumber, someRules } from '#testkit/pods/a-pod.ts';
import type { Random } from '#testkit/properties/random.ts';
import { below, listOf, oddText } from './mutate.ts';

/** What a gateway holds, and how secrets are asked for that it has. */
export interface FuzzedWorld {
  rules: Rules;
  ask(random: Random): Partial<SecretRequest>;
}

const many = listOf(256, (index) => `g${index}`);
const k8s = {
  ns: {
    db: ['pass', 'a.b', '__proto__', 'constructor'],
    ...Object.fromEntries(many.map((group) => [group, ['k']])),
  },
};
const global = {
  env: { FLYTE_SECRET_TEAM_TOKEN: 'x', FLYTE_SECRET_APP_KEY: 'y' },
  files: { 'team/token': 'y', 'app/cert': 'z' },
};
const policy = {
  default: 'deny',
  rules: [
    { name: 'databases', groups: ['d*', 'g*'], namespaces: ['n*'] },
    { name: 'teams', groups: ['team', 'arn:aws:*'], projects: ['p*'] },
  ],
};

const askK8s = (random: Random): Partial<SecretRequest> =>
  random.pick([
    { group: 'db', key: 'pass' },
    { group: 'db', key: 'a.b' },
    { group: random.pick(many), key: 'k' },
  ]);
const askGlobal = (random: Random): Partial<SecretRequest> =>
  random.pick([
    { group: 'team', key: 'token' },
    { group: 'app', key: 'key' },
    { group: 'app', key: 'cert' },
  ]);
const askAws = (random: Random): Partial<SecretRequest> => ({
  group: 'arn:aws:secretsmanager:eu-west-1:1:secret:x',
  key: `k${below(random, 300)}`,
  mountRequirement: mountNumber.any,
});
const either =
  (...asks: FuzzedWorld['ask'][]): FuzzedWorld['ask'] =>
  (random) =>
    random.pick(asks)(random);

/** Chains with every manager, open and closed, with policies, with values inline. */
export function fuzzedWorlds(): FuzzedWorld[] {
  return [
    { rules: someRules({}, { k8s, global }), ask: either(askK8s, askGlobal) },
    { rules: someRules({ chain: ['k8s'], k8s: { inventory: 'open' } }), ask: askK8s },
    { rules: someRules({ chain: ['k8s', 'aws'] }, { k8s }), ask: either(askK8s, askAws) },
    {
      rules: someRules({ chain: ['global'], global: { delivery: 'inline' } }, { global }),
      ask: askGlobal,
    },
    {
      rules: someRules({ chain: ['gcp'] }),
      ask: (random) => ({
        group: `s${below(random, 300)}`,
        groupVersion: random.pick(['1', '7']),
        mountRequirement: mountNumber.any,
      }),
    },
    {
      rules: someRules({ chain: ['azure'] }),
      ask: (random) => ({
        group: `https://v.vault.azure.net/secrets/n${below(random, 300)}`,
        mountRequirement: mountNumber.any,
      }),
    },
    {
      rules: someRules({ chain: ['vault'] }),
      ask: (random) => ({
        group: `secret/data/x${below(random, 300)}`,
        key: random.pick(['k', 'user']),
        mountRequirement: mountNumber.any,
      }),
    },
    {
      rules: someRules({ chain: ['global', 'k8s', 'aws', 'gcp', 'azure', 'vault'] }, { k8s, global }),
      ask: either(askK8s, askGlobal, askAws),
    },
    { rules: someRules({ chain: ['k8s', 'aws'], policy }, { k8s }), ask: either(askK8s, askAws) },
  ];
}

/** A request as flytekit makes it, and seldom one that nobody sane would. */
function aRequest(random: Random, ask: FuzzedWorld['ask']): Partial<SecretRequest> {
  const asked = {
    mountRequirement: random.pick([0, 0, 1, 2]),
    envVar: random.chance(0.1) ? random.pick(['E', 'MY_TOKEN', 'LD_PRELOAD']) : '',
    ...ask(random),
  };
  if (!random.chance(0.04)) return asked;
  const field = random.pick(['group', 'key', 'groupVersion', 'envVar', 'mountRequirement']);
  return { ...asked, [field]: field === 'mountRequirement' ? random.pick([3, -5]) : oddText(random) };
}

const variables = ['A', 'PATH', '_FSEC_DB_PASS', 'FLYTE_SECRETS_ENV_PREFIX', 'E', '__proto__'];
const paths = [
  '/data',
  '/etc/flyte/secrets/other',
  '/tmp/',
  '/etc/flyte/secrets/db/pass',
  '/etc/flyte/../x',
  'x',
];

function aContainer(random: Random, index: number): object {
  const length = random.chance(0.002) ? 400 : 3;
  const env = listOf(below(random, length), () => ({
    name: random.chance(0.9) ? `V${below(random, 50)}` : random.pick(variables),
    value: random.pick(['x', '_FSEC_', '']),
  }));
  const volumeMounts = listOf(below(random, length), () => ({
    name: 'v',
    mountPath: random.chance(0.9) ? `/data/${below(random, 50)}` : random.pick(paths),
  }));
  return {
    name: random.chance(0.02) ? random.pick(['aws-pull-secret-0', 'gcp-pull-secret-1', '']) : `c${index}`,
    image: 'img',
    ...(random.chance(0.5) ? { env } : {}),
    ...(random.chance(0.3) ? { volumeMounts } : {}),
  };
}

/** A pod of a Flyte task, in all its sizes. */
export function fuzzedPod(random: Random, ask: FuzzedWorld['ask']): object {
  const large = random.chance(0.003);
  const asks = listOf(large ? below(random, 257) : below(random, 5), () => aRequest(random, ask));
  const containers = listOf(large ? below(random, 120) : 1 + below(random, 2), (at) =>
    aContainer(random, at),
  );
  const odd = listOf(random.chance(0.002) ? below(random, 600) : 0, (at) => [`flyte.secrets/sx${at}`, '']);
  return aPod({
    asks,
    annotations: {
      ...Object.fromEntries(odd),
      ...(random.chance(0.05) ? { 'latchkey.dev/injected': '{}' } : {}),
      ...(random.chance(0.02) ? { 'kubernetes.io/config.mirror': 'x' } : {}),
      ...(random.chance(0.02) ? { [`flyte.secrets/s${oddText(random)}`]: someAnnotation(random) } : {}),
      ...(random.chance(0.05) ? { 'vault.hashicorp.com/role': 'other' } : {}),
    },
    metadata: {
      labels: {
        'inject-flyte-secrets': random.chance(0.97) ? 'true' : oddText(random),
        ...(random.chance(0.5) ? { project: 'p1', domain: 'd' } : {}),
      },
      ...(random.chance(0.1) ? { namespace: random.pick(['ns', 'other']) } : {}),
    },
    spec: {
      containers,
      ...(random.chance(0.3)
        ? { initContainers: listOf(below(random, 3), (at) => aContainer(random, at)) }
        : {}),
      ...(random.chance(0.3) ? { volumes: [{ name: 'v', emptyDir: {} }] } : {}),
      ...(random.chance(0.3) ? { serviceAccountName: 'etl' } : {}),
    },
  });
}

function someAnnotation(random: Random): string {
  return random.pick([
    () => anAnnotation({ group: oddText(random), key: oddText(random) }),
    () => oddText(random),
    () =>
      encodeAnnotation({ group: 'db', groupVersion: '', key: 'pass', envVar: '', mountRequirement: 1 }).slice(
        3,
      ),
  ])();
}

/** Lists just long enough to be looked at, which cost the most of all that a pod can be made of. */
export function hostilePod(random: Random, ask: FuzzedWorld['ask']): object {
  const length = (): number => random.pick([1, 100, 1_000, 9_999, 10_001]);
  const path = random.pick(['/etc/flyte/secrets/g', 'a/x/../y', '/data/']);
  const name = random.pick(['aws-pull-secret-', 'c', '_FSEC_DB_PASS']);
  const inner = { env: length(), volumeMounts: length() };
  const container = (index: number): object => ({
    name: `${name}${index}`,
    env: listOf(inner.env, (at) => ({ name: `${name}${at}`, value: 'x' })),
    volumeMounts: listOf(inner.volumeMounts, (at) => ({ name: 'a', mountPath: `${path}${at}` })),
  });
  const small = (index: number): object => ({ name: `${name}${index}` });
  return aPod({
    asks: listOf(random.pick([1, 64, 256, 257]), (index) => ({
      ...ask(random),
      ...(random.chance(0.5) ? { mountRequirement: 1, envVar: `E${index}` } : {}),
    })),
    annotations: Object.fromEntries(
      listOf(random.pick([0, 0, 9_000]), (at) => [`flyte.secrets/sx${at}`, '']),
    ),
    spec: {
      containers: random.chance(0.5) ? [container(0)] : listOf(length(), small),
      initContainers: listOf(random.pick([0, 1, 3_000, 10_000]), small),
      volumes: listOf(random.pick([0, 1, 9_999]), (at) => ({ name: `v${at}`, emptyDir: {} })),
    },
  });
}

/** The review of a pod, now and then of another verb, kind or namespace. */
export function fuzzedReview(random: Random, pod: object): object {
  if (!random.chance(0.02)) return aReview(pod);
  return aReview(pod, {
    [random.pick(['operation', 'namespace', 'uid', 'subResource', 'kind', 'resource'])]: random.pick([
      'UPDATE',
      'CONNECT',
      'other',
      { group: 'apps', kind: 'Deployment', resource: 'deployments' },
    ]),
  });
}
