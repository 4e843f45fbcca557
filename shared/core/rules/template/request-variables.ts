import type { SecretRequest } from '#shared/core/flyte/secret-request.ts';
import { shortHash, type Variables } from './template.ts';

/** The variables of a request, of which the identity is computed for the templates that read it: few do. */
export class RequestVariables implements Variables {
  readonly group: string;
  readonly groupVersion: string;
  readonly key: string;
  readonly envVar: string;
  readonly namespace: string;
  readonly versionedGroup: string;
  readonly entry: Variables['entry'];
  #id: string | undefined;

  constructor(
    { group, groupVersion, key, envVar }: Pick<SecretRequest, 'group' | 'groupVersion' | 'key' | 'envVar'>,
    namespace: string,
    entry: Variables['entry'] = {},
  ) {
    this.group = group;
    this.groupVersion = groupVersion;
    this.key = key;
    this.envVar = envVar;
    this.namespace = namespace;
    this.versionedGroup = `${group}_${groupVersion}`;
    this.entry = entry;
  }

  get id(): string {
    this.#id ??= shortHash(JSON.stringify([this.group, this.groupVersion, this.key]));
    return this.#id;
  }

  /** Returns the same for every key: what is rendered from it is the glob of all their names. */
  withEveryKey(): RequestVariables {
    const { group, groupVersion, envVar } = this;
    return new RequestVariables({ group, groupVersion, envVar, key: '*' }, this.namespace, this.entry);
  }

  /** Returns the same with the variables of an inventory entry. */
  withEntry(entry: Variables['entry']): RequestVariables {
    return new RequestVariables(this, this.namespace, entry);
  }
}
