import type { PolicyConfig } from '#shared/contracts/config/policy.ts';

/**
 * What an operator may not have meant, though it is allowed: a rule that says who may use its secrets and names no
 * namespace. A ServiceAccount of any name can be made in every namespace by whoever has rights there, and labels can be
 * written by whoever creates a pod.
 * @returns a sentence for each such rule, by its name
 */
export function policyRemarks({ rules }: PolicyConfig): { rule: string; remark: string }[] {
  return rules
    .filter(({ namespaces }) => namespaces === undefined)
    .filter(({ serviceAccounts, projects, domains }) => serviceAccounts ?? projects ?? domains)
    .map(({ name, serviceAccounts }) => ({
      rule: name,
      remark:
        serviceAccounts === undefined
          ? 'the rule goes by labels, which whoever creates a pod writes, in every namespace: name namespaces, too'
          : 'the rule admits a service account of that name in every namespace: name namespaces, too',
    }));
}
