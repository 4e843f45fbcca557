import type { GoProgram } from '#tools/go-program.ts';

/** HashiCorp's own injector, at the version that the go.mod here pins. */
export const vaultInjector: GoProgram = {
  name: 'vault-k8s',
  version: 'v1.6.2',
  moduleFolder: import.meta.dirname,
  package: 'github.com/hashicorp/vault-k8s',
  linkerFlags: '',
};
