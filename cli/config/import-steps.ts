import { type JsonObject, member } from '#shared/core/text/json-object.ts';

/** Managers that need no resolver besides those of deploy/kustomization.yaml. */
const installed: ReadonlySet<unknown> = new Set(['global', 'k8s']);
/** Names that the manifests in deploy/ allow and mount. */
const deployed = { object: 'flyte-pod-webhook', dir: '/etc/secrets', envPrefix: 'FLYTE_SECRET_' };

/**
 * What has to follow from an imported latchkey.yaml outside of it, a line each, in the order of docs/migration.md: names
 * that manifests repeat, and services that the chain needs.
 */
export function importSteps(config: JsonObject): string[] {
  const name = String(member(config.webhook, 'configurationName'));
  const chain = Array.isArray(config.chain) ? config.chain : [];
  return [
    ...chain
      .filter((manager) => !installed.has(manager))
      .map(
        (manager) =>
          `run the resolver of ${manager}: kubectl apply -f deploy/variants/resolver-${manager}.yaml`,
      ),
    ...globalSteps(config.global),
    ...(member(config.webhook, 'manage') === false ? gitOpsSteps : adoptionSteps(name)),
  ];
}

function globalSteps(global: unknown): string[] {
  const dir = member(global, 'dir');
  const prefix = member(global, 'envPrefix');
  return [
    ...(dir === undefined || dir === deployed.dir
      ? []
      : [
          `mount the files of global secrets in deploy/discovery.yaml below ${dir}, not below ${deployed.dir}`,
        ]),
    ...(prefix === undefined || prefix === deployed.envPrefix
      ? []
      : [
          `name the keys of the Secret global-secrets-environment ${prefix}..., not ${deployed.envPrefix}...`,
        ]),
  ];
}

const gitOpsSteps = [
  'the MutatingWebhookConfiguration is another tool\'s: cut over there, see "When GitOps owns the object" in docs/migration.md',
];

/** The object that Flyte made is named in RBAC, and so in every command about it. */
function adoptionSteps(name: string): string[] {
  const role = 'deploy/variants/cert-manager-adopt.yaml';
  const apply =
    name === deployed.object
      ? `kubectl apply -f ${role}`
      : `sed 's/\\[${deployed.object}\\]/[${name}]/' ${role} | kubectl apply -f -`;
  return [
    `check that Flyte's object has this name: kubectl get mutatingwebhookconfiguration ${name}`,
    `let cert-manager patch that object (resourceNames: [${name}]): ${apply}`,
    `in the commands of steps 4 and 5 of docs/migration.md, use name=${name}`,
  ];
}
