import type { V1Pod } from '@kubernetes/client-node';

/** One file that Vault's agent writes. */
interface AgentTemplate {
  destination: string;
  contents: string;
}

/** What Vault's init container was told to do; undefined when the pod has none. */
interface VaultAgent {
  role: string;
  templates: AgentTemplate[];
}

/** Reads the configuration that the injector gave to its init container (VAULT_CONFIG, base64 of JSON). */
export function readVaultAgent(pod: V1Pod): VaultAgent | undefined {
  const agent = pod.spec?.initContainers?.find(({ name }) => name === 'vault-agent-init');
  if (agent === undefined) return undefined;
  const encoded = agent.env?.find(({ name }) => name === 'VAULT_CONFIG')?.value ?? '';
  const config: {
    auto_auth: { method: { config: { role: string } } };
    template?: AgentTemplate[];
  } = JSON.parse(Buffer.from(encoded, 'base64').toString('utf8'));
  return { role: config.auto_auth.method.config.role, templates: config.template ?? [] };
}

/** Annotations of `pod` that `after` lacks or holds with another value. */
export function lostAnnotations(pod: V1Pod, after: V1Pod): string[] {
  const kept = after.metadata?.annotations ?? {};
  return Object.entries(pod.metadata?.annotations ?? {})
    .filter(([name, value]) => kept[name] !== value)
    .map(([name]) => name);
}
