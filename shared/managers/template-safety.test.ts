import assert from 'node:assert/strict';
import { posix } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Admission, admitReview } from '#shared/core/admission/admit.ts';
import type { SecretRequest } from '#shared/core/flyte/secret-request.ts';
import { applyPatch } from '#shared/core/patch/apply-patch.ts';
import { aPod, aReview, someRules } from '#testkit/pods/a-pod.ts';
import { arbitraryPod, withAnnotationsReversed } from '#testkit/pods/arbitrary-pod.ts';
import { propertyRuns } from '#testkit/properties/property-runs.ts';

interface Injected {
  metadata: { annotations: Record<string, string> };
  spec: {
    initContainers: { command?: string[]; env: { name: string; value: string }[] }[];
    containers: { env?: { name: string; value: string }[] }[];
  };
}

/** Hostile pieces among harmless ones. */
const hostile = [
  '..',
  '/../',
  '`id`',
  '$(id)',
  '${HOME}',
  '"',
  "'",
  '\\',
  '\n',
  '\0',
  ' ',
  ';',
  '&',
  '|',
  '>',
  '{{',
  '}}',
  '%',
  '*',
  '~',
  'é',
  '-',
  ':',
];
const harmless = ['a', 'Db', '7', '_x', '.y', '-z', '/w', 'v1', '=', '@', '+', '!'];
const mixed = fc.string({ unit: fc.constantFrom(...harmless, ...harmless, ...hostile), maxLength: 5 });
const text = fc.oneof(
  mixed,
  fc.string({ unit: fc.constantFrom('a', 'Db', '.y', '-z', '/w', ':', '+', '@', '!'), maxLength: 4 }),
  // Every field must be right for a request to be served.
  fc.constantFrom('Db', 'a/w', 'v1'),
);
const azureGroup = text.map((path) => `https://v.vault.azure.net/secrets/${path}`);
const requestOf = (group: fc.Arbitrary<string>): fc.Arbitrary<Partial<SecretRequest>> =>
  fc.record({
    group,
    key: text,
    groupVersion: fc.oneof(text, fc.constantFrom('', 'kv1', 'kv2', 'db')),
    envVar: fc.constantFrom('', '', 'X', 'X', '$(id)'),
    mountRequirement: fc.constantFrom(0, 2),
  });

const safePath = /^(\/[-._A-Za-z0-9:+=@!]+)+$/;
function assertPath(path: string | undefined, below: string): void {
  assert.match(path ?? '', safePath);
  assert.equal(posix.normalize(path ?? ''), path);
  assert.ok(path?.startsWith(below));
}

/** A word of the shell, in which `:` means nothing, and no option. */
const name = '[A-Za-z0-9_.:][-A-Za-z0-9_./:]*';
const file = '/etc/flyte/secrets/[-a-z0-9_./:]+';
const scripts = {
  gcp: new RegExp(
    `^gcloud secrets versions access ${name}/versions/${name} --out-file=(${file}) \\|\\| gcloud secrets versions access ${name} --secret=${name} --out-file=${file}; chmod \\+rX ${file} ${file}$`,
  ),
  azure: new RegExp(
    `^az login --service-principal -u \\$AZURE_CLIENT_ID -t \\$AZURE_TENANT_ID --federated-token "\\$\\(cat \\$AZURE_FEDERATED_TOKEN_FILE\\)"; (?:mkdir -p ${file}; )?az keyvault secret show --id "https://v\\.vault\\.azure\\.net/secrets/[-A-Za-z0-9_./]*" --query "value" -o tsv > (${file})$`,
  ),
};
const vaultTemplate =
  /^\{\{- with secret "[-\w.+:=@][-\w./+:=@]*" -\}\}\{\{ (\.Data(\.data)?\.[A-Za-z_]\w*|index \.Data(\.data)? "[-\w.]+") \}\}\{\{- end -\}\}$/;

const checks: Record<string, (pod: Injected) => void> = {
  aws({ spec: { initContainers } }) {
    const env = new Map(initContainers[0]?.env.map(({ name: variable, value }) => [variable, value]));
    assertPath(env.get('SECRET_FILENAME'), '/');
    assert.match(env.get('SECRET_ARN') ?? '', /^[-._A-Za-z0-9:+=@/!]+$/);
  },
  gcp: ({ spec }) => assertScript(spec.initContainers[0]?.command, scripts.gcp),
  azure: ({ spec }) => assertScript(spec.initContainers[0]?.command, scripts.azure),
  vault({ metadata }) {
    for (const [annotation, value] of Object.entries(metadata.annotations)) {
      assert.match(annotation, /^[a-z.]+\/[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/);
      if (annotation.includes('/agent-inject-template-')) assert.match(value, vaultTemplate);
      if (annotation.includes('/agent-inject-file-')) assertPath(`/${value}`, '/');
    }
  },
};

function assertScript(command: string[] | undefined, expected: RegExp): void {
  assert.deepEqual(command?.slice(0, 2), ['sh', '-ec']);
  const script = command?.[2] ?? '';
  assert.match(script, expected);
  assertPath(expected.exec(script)?.[1], '/etc/flyte/secrets/');
}

for (const [manager, check] of Object.entries(checks)) {
  test(`nothing in a request escapes its place in what ${manager} runs, reads or writes`, () => {
    const rules = someRules({ chain: [manager] });
    let injected = 0;
    const request = requestOf(manager === 'azure' ? azureGroup : text);
    fc.assert(
      fc.property(request, (ask) => {
        const pod = aPod({ asks: [ask] }) as Injected;
        const { outcome, patch, response } = admitReview(aReview(pod), rules);
        if (outcome !== 'injected') {
          assert.deepEqual(patch, []);
          assert.ok('response' in response && response.response.status?.code === 400);
          return;
        }
        injected++;
        applyPatch(pod, patch);
        check(pod);
        const path = pod.spec.containers[0]?.env?.find(({ name: variable }) => variable === ask.envVar);
        if (ask.envVar !== '') assertPath(path?.value, '/etc/flyte/secrets/');
      }),
      propertyRuns,
    );
    assert.ok(injected > propertyRuns.numRuns / 100, `only ${injected} requests were served`);
  });
}

const uuid = '0a1b2c3d-1111-2222-3333-444455556666';
const regions = {
  aws: 'eu-west-1',
  'aws-cn': 'cn-north-1',
  'aws-us-gov': 'us-gov-west-1',
  'aws-iso': 'us-iso-east-1',
  'aws-iso-b': 'us-isob-east-1',
  'aws-eusc': 'eusc-de-east-1',
};
const arns = Object.entries(regions).map(
  ([partition, region]) => `arn:${partition}:secretsmanager:${region}:111122223333:secret:`,
);
const secretNames = [
  `rds!cluster-${uuid}-AbCdEf`,
  `rds!db-${uuid}-AbCdEf`,
  'events!connection/c/0a1b-AbCdEf',
  'redshift!my-cluster-admin-AbCdEf',
  'appflow!prod-AbCdEf',
  '/prod/app/db-AbCdEf',
  'a/_+=.@-b-AbCdEf',
];

test('names that providers accept are served by their manager, in the spelling that the provider knows', () => {
  const served: Record<string, [Partial<SecretRequest>, what: string][]> = {
    aws: arns.flatMap((arn) =>
      secretNames.map((secret): [Partial<SecretRequest>, string] => [
        { group: arn, key: secret },
        `"SECRET_ARN","value":"${arn}${secret}"`,
      ]),
    ),
    gcp: [
      [
        { group: 'projects/example.com:name/secrets/db', groupVersion: '2' },
        'access projects/example.com:name/secrets/db/versions/2 --out-file=/etc/flyte/secrets/projects/example.com:name/secrets/db/2 ',
      ],
    ],
    vault: [
      [{ group: 'secret/data/jo+x@example.com', key: 'k' }, 'with secret \\"secret/data/jo+x@example.com\\"'],
      [{ group: 'secret/data/a:b=c', key: 'k' }, 'with secret \\"secret/data/a:b=c\\"'],
      [
        { group: '/secret/data/team', key: 'k', envVar: 'X' },
        '"X","value":"/etc/flyte/secrets/secret/data/team/k"',
      ],
      [{ group: '/secret/data/team', key: 'k' }, 'with secret \\"secret/data/team\\"'],
    ],
    azure: [
      [
        { group: 'https://v.vault.azure.cn/secrets/Db-1/', groupVersion: '0a1b' },
        'https://v.vault.azure.cn/secrets/Db-1/0a1b',
      ],
    ],
  };
  for (const [manager, cases] of Object.entries(served)) {
    const rules = someRules({ chain: [manager] });
    for (const [ask, what] of cases) {
      const { outcome, patch } = admitReview(aReview(aPod({ asks: [ask] })), rules);
      assert.equal(outcome, 'injected', JSON.stringify(ask));
      assert.ok(JSON.stringify(patch).includes(what), what);
    }
  }
});

test('a slash in front of a path of Vault evades no rule of the policy, and a closed inventory has it', () => {
  const policy = { rules: [{ name: 'team', groups: ['secret/data/team'], namespaces: ['other'] }] };
  const vault = { inventory: 'closed', provider: { address: 'https://v.example.com' } };
  const asks = [{ group: '/secret/data/team', key: 'k' }];
  const answer = (config: object): Admission =>
    admitReview(
      aReview(aPod({ asks })),
      someRules({ chain: ['vault'], ...config }, { vault: ['secret/data/team'] }),
    );
  assert.equal(answer({ policy }).code, 'POLICY_FORBIDDEN');
  assert.equal(answer({ vault }).outcome, 'injected');
});

const chain = ['global', 'k8s', 'azure', 'gcp', 'vault', 'aws'];
const every = someRules(
  { chain },
  { global: { files: { 'db/k1': '1' } }, k8s: { ns: { db: ['K2'], api: ['k1'] } } },
);
const asked = fc.record({
  group: fc.constantFrom(
    'db',
    'api',
    'arn:aws:s:',
    'projects/1/secrets/x',
    'https://v.vault.azure.net/secrets/x',
  ),
  key: fc.constantFrom('k1', 'K2', 'k-3'),
  groupVersion: fc.constantFrom('', '', '7', 'kv1'),
  envVar: fc.constantFrom('', '', '', 'X'),
  mountRequirement: fc.constantFrom(0, 0, 1, 2),
});
function inject(pod: object): { admission: Admission; pod: object } {
  const after = structuredClone(pod);
  const admission = admitReview(aReview(after), every);
  applyPatch(after, admission.patch);
  return { admission, pod: after };
}

test('on arbitrary pods that ask all managers the patch applies, and is empty the second time', () => {
  let injected = 0;
  fc.assert(
    fc.property(arbitraryPod(asked), (pod) => {
      const once = inject(pod);
      assert.deepEqual(inject(pod), once);
      if (once.admission.outcome === 'injected') injected++;
      else assert.deepEqual(once.admission.patch, []);
      assert.deepEqual(inject(once.pod).admission.patch, []);
    }),
    propertyRuns,
  );
  assert.ok(injected > propertyRuns.numRuns / 100, `only ${injected} pods were injected`);
});

test('with all managers the order of the annotations does not matter either', () => {
  fc.assert(
    fc.property(arbitraryPod(asked), (pod) => {
      assert.deepEqual(inject(withAnnotationsReversed(pod)).admission.patch, inject(pod).admission.patch);
    }),
    propertyRuns,
  );
});
