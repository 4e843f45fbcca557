import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Admission, admitReview } from '#shared/core/admission/admit.ts';
import type { SecretRequest } from '#shared/core/flyte/secret-request.ts';
import { applyPatch } from '#shared/core/patch/apply-patch.ts';
import { aPod, aReview, someRules } from '#testkit/pods/a-pod.ts';

interface Named {
  name: string;
  [field: string]: unknown;
}
interface Injected {
  admission: Admission;
  volumes: Named[];
  initContainers: Named[];
  mounts: Named[];
}

function inject(config: object, asks: Partial<SecretRequest>[], inventory: object = {}): Injected {
  const rules = someRules(config, inventory);
  const pod = aPod({ asks }) as {
    spec: { volumes?: Named[]; initContainers?: Named[]; containers: { volumeMounts?: Named[] }[] };
  };
  const admission = admitReview(aReview(pod), rules);
  applyPatch(pod, admission.patch);
  assert.deepEqual(admitReview(aReview(pod), rules).patch, []);
  const { volumes = [], initContainers = [], containers } = pod.spec;
  return { admission, volumes, initContainers, mounts: containers[0]?.volumeMounts ?? [] };
}
const denial = ({ admission: { response } }: Injected): string => {
  const { code, message } = ('response' in response ? response.response.status : response) ?? {};
  return `${code} ${message}`;
};

const aws = { group: 'arn:aws:s:', key: 'Db-x' };
const gcp = { group: 'db', groupVersion: '2' };
const azure = { group: 'https://v.vault.azure.net/secrets/Db' };
const vault = { group: 'secret/db', key: 'pass' };

test('the Azure commands are those of the tests of Flyte v2', () => {
  const group = 'https://test-storage-account.vault.azure.net/secrets/test-secret-name';
  const login =
    'az login --service-principal -u $AZURE_CLIENT_ID -t $AZURE_TENANT_ID --federated-token "$(cat $AZURE_FEDERATED_TOKEN_FILE)"; ';
  const versioned = `${login}mkdir -p /etc/flyte/secrets/test-secret-name; az keyvault secret show --id "${group}/test-version" --query "value" -o tsv > /etc/flyte/secrets/test-secret-name/test-version`;
  const latest = `${login}az keyvault secret show --id "${group}/" --query "value" -o tsv > /etc/flyte/secrets/test-secret-name`;
  const cases: [Partial<SecretRequest>, string][] = [
    [{ group, groupVersion: 'test-version' }, versioned],
    [{ group: `${group}/`, groupVersion: 'test-version' }, versioned],
    [{ group }, latest],
  ];
  for (const [ask, command] of cases) {
    const { initContainers, volumes } = inject({ chain: ['azure'] }, [ask]);
    assert.deepEqual(volumes, [{ name: 'azure-secret-vol', emptyDir: { medium: 'Memory' } }]);
    assert.equal(initContainers[0]?.name, 'azure-pull-secret-0');
    assert.equal(initContainers[0]?.image, 'mcr.microsoft.com/azure-cli:cbl-mariner2.0');
    assert.deepEqual(initContainers[0]?.command, ['sh', '-ec', command]);
  }
});

test('what the operator configures reaches the pull container as it is', () => {
  const securityContext = { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault${key}' } };
  for (const [manager, ask] of Object.entries({ aws, gcp, azure })) {
    const section = { sidecarImage: 'mine/${group}:1', resources: { limits: { cpu: 1 } }, securityContext };
    const [container] = inject({ chain: [manager], [manager]: section }, [ask]).initContainers;
    assert.equal(container?.image, 'mine/${group}:1');
    assert.deepEqual(container?.resources, { limits: { cpu: '1' } });
    assert.deepEqual(container?.securityContext, securityContext);
    const [plain] = inject({ chain: [manager] }, [ask]).initContainers;
    assert.equal(plain && Object.hasOwn(plain, 'securityContext'), false);
  }
});

test('managers of a chain are asked in order, and the report says who injected what and where', () => {
  const chain = { chain: ['global', 'k8s', 'azure', 'gcp', 'vault', 'aws'] };
  const inventory = { global: { files: { 'team/token': 'v' } }, k8s: { ns: { db: ['pass'] } } };
  const asks = [
    { group: 'team', key: 'token' },
    { group: 'db', key: 'pass', mountRequirement: 1 },
    azure,
    gcp,
    aws,
  ];
  const { admission } = inject(chain, asks, inventory);
  assert.deepEqual(
    admission.secrets.map(({ manager, how }) => [manager, ...how]),
    [
      ['global', '_FSEC_TEAM_TOKEN'],
      ['k8s', '_FSEC_DB_PASS'],
      ['azure', '/etc/flyte/secrets/db'],
      ['gcp', '/etc/flyte/secrets/db/2'],
      ['aws', '/etc/flyte/secrets/arn:aws:s:/db-x'],
    ],
  );
});

test('managers that pull share one volume and number their containers through', () => {
  const { volumes, initContainers, mounts } = inject({ chain: ['azure', 'gcp', 'aws'] }, [
    aws,
    { ...gcp, group: 'other' },
    azure,
  ]);
  assert.deepEqual(volumes, [{ name: 'aws-secret-vol', emptyDir: { medium: 'Memory' } }]);
  assert.deepEqual(
    initContainers.map(({ name }) => name),
    ['aws-pull-secret-0', 'gcp-pull-secret-1', 'azure-pull-secret-2'],
  );
  for (const { volumeMounts } of initContainers)
    assert.match(JSON.stringify(volumeMounts), /"aws-secret-vol"/);
  assert.deepEqual(mounts, [{ name: 'aws-secret-vol', readOnly: true, mountPath: '/etc/flyte/secrets' }]);
});

test('a Secret mounted inside the folder of pulled files makes that mount writable', () => {
  const { mounts } = inject(
    { chain: ['k8s', 'aws'] },
    [{ group: 'db', key: 'pass', mountRequirement: 2 }, aws],
    { k8s: { ns: { db: ['pass'] } } },
  );
  assert.deepEqual(
    mounts.map(({ mountPath, readOnly }) => [mountPath, readOnly]),
    [
      ['/etc/flyte/secrets/db', true],
      ['/etc/flyte/secrets', false],
    ],
  );
});

test('two secrets that want one file are refused, whichever managers provide them', () => {
  const twice = [
    inject({ chain: ['aws'] }, [
      { group: 'g', key: 'K' },
      { group: 'G', key: 'k' },
    ]),
    inject({ chain: ['aws'] }, [
      { group: 'g', key: 'k' },
      { group: 'g/k', key: 'x' },
    ]),
    inject({ chain: ['azure'] }, [azure, { ...azure, groupVersion: '1' }]),
    inject({ chain: ['gcp', 'aws'] }, [gcp, { group: 'db', key: '2' }]),
    inject({ chain: ['vault'] }, [
      { ...vault, groupVersion: 'kv1' },
      { ...vault, groupVersion: 'kv2' },
    ]),
  ];
  for (const refused of twice) assert.match(denial(refused), /^400 secrets .* both want the file/);
  const hidden = inject(
    { chain: ['k8s', 'aws'] },
    [
      { group: 'db', key: 'pass', mountRequirement: 2 },
      { group: 'db', key: 'other' },
    ],
    { k8s: { ns: { db: ['pass'] } } },
  );
  assert.match(denial(hidden), /^400 the folder .* would hide/);
});

test('one file asked for in several ways is no clash', () => {
  assert.equal(inject({ chain: ['gcp'] }, [gcp, { ...gcp, key: 'k' }]).admission.outcome, 'injected');
  const asks = [vault, { ...vault, groupVersion: 'kv2' }, { ...vault, groupVersion: 'v7' }];
  assert.equal(inject({ chain: ['vault'] }, asks).admission.outcome, 'injected');
});

test('a pod cannot have files from Vault and from a manager that pulls', () => {
  const { admission, ...rest } = inject({ chain: ['vault', 'aws'] }, [vault, aws]);
  assert.equal(admission.code, 'PATH_CLASH');
  assert.match(denial({ admission, ...rest }), /different tasks/);
});

test('a pod for Windows is denied by managers that pull, and not by others', () => {
  const asks = [{ group: 'arn:aws:s:', key: 'db' }];
  for (const spec of [{ os: { name: 'windows' } }, { nodeSelector: { 'kubernetes.io/os': 'windows' } }]) {
    const pulled = admitReview(aReview(aPod({ asks, spec })), someRules({ chain: ['aws'] }));
    assert.deepEqual([pulled.code, pulled.patch], ['POD_MALFORMED', []]);
    assert.match(
      JSON.stringify(pulled.response),
      /for Windows, and secret .* is fetched by a container for Linux/,
    );
    const mounted = aPod({ asks: [{ group: 'db', key: 'k' }], spec });
    const open = someRules({ chain: ['k8s'], k8s: { inventory: 'open' } });
    assert.equal(admitReview(aReview(mounted), open).outcome, 'injected');
  }
  const linux = aPod({ asks, spec: { os: { name: 'linux' } } });
  assert.equal(admitReview(aReview(linux), someRules({ chain: ['aws'] })).outcome, 'injected');
});

test('a mount of a Windows pod that hides a secret is denied, however its path is spelled', () => {
  const at = (mountPath: string) => {
    const spec = {
      os: { name: 'windows' },
      volumes: [{ name: 'mine', emptyDir: {} }],
      containers: [{ name: 'main', image: 'img', volumeMounts: [{ name: 'mine', mountPath }] }],
    };
    const pod = aPod({ asks: [{ group: 'db', key: 'k', mountRequirement: 2 }], spec });
    const { code, outcome, response } = admitReview(
      aReview(pod),
      someRules({ chain: ['k8s'], k8s: { inventory: 'open' } }),
    );
    return { code: code ?? outcome, told: JSON.stringify(response) };
  };
  for (const mountPath of [
    'C:\\etc\\flyte\\secrets\\db',
    'c:/ETC/flyte/secrets/DB',
    '\\etc\\flyte\\secrets\\db',
    'etc/flyte/secrets/db.',
    'C:\\etc\\flyte\\secrets\\db\\k',
  ]) {
    const { code, told } = at(mountPath);
    assert.equal(code, 'PATH_CLASH', mountPath);
    assert.match(told, /mine/);
  }
  assert.match(at('C:\\etc\\flyte\\secrets\\db').told, /is the same on Windows/);
  for (const mountPath of ['D:\\etc\\flyte\\secrets\\db', 'C:\\data']) {
    assert.equal(at(mountPath).code, 'injected', mountPath);
  }
});
