import { type KubernetesCall, refusedError } from '#shared/kubernetes/requests/kubernetes-call.ts';
import { parseResourcePath } from '#shared/kubernetes/requests/resource-path.ts';

/** A Secret as the model's API server stores it. */
export interface StoredSecret {
  metadata: {
    namespace: string;
    name: string;
    uid: string;
    resourceVersion: string;
    labels: Record<string, string>;
  };
  type: string;
  data: Record<string, string>;
  immutable?: boolean;
}

/** What a watch with a label selector tells. */
export interface StoredEvent {
  type: 'set' | 'gone';
  secret: StoredSecret;
}

/** The Secrets of one namespace with the API server's rules, and what its watch would tell, in order. */
export interface SecretStore {
  secrets: Map<string, StoredSecret>;
  /** Carries out a call of ours, or of a rival. Throws as the connection would. */
  apply(call: KubernetesCall): StoredSecret | undefined;
  revision(): string;
  /** Selected Secrets as a list would give them. */
  list(): StoredSecret[];
}

const isCopy = (secret: StoredSecret | undefined): secret is StoredSecret =>
  secret?.metadata.labels['latchkey.dev/copy'] === 'global';

type Body = Partial<Omit<StoredSecret, 'metadata'>> & {
  metadata: Partial<StoredSecret['metadata']>;
  preconditions?: { uid: string; resourceVersion: string };
};

export function createSecretStore(onEvent: (event: StoredEvent) => void): SecretStore {
  const secrets = new Map<string, StoredSecret>();
  let revision = 10;
  let uids = 0;

  const tell = (before: StoredSecret | undefined, after: StoredSecret | undefined, at: string): void => {
    if (isCopy(after)) onEvent({ type: 'set', secret: after });
    else if (isCopy(before)) {
      const secret = { ...before, metadata: { ...before.metadata, resourceVersion: at } };
      onEvent({ type: 'gone', secret });
    }
  };
  const store = (body: Body, name: string, uid: string): StoredSecret => {
    const before = secrets.get(name);
    revision += 1;
    const metadata = { namespace: 'team', name, uid, resourceVersion: String(revision), labels: {} };
    const secret: StoredSecret = {
      type: body.type ?? 'Opaque',
      data: { ...body.data },
      ...(body.immutable === undefined ? {} : { immutable: body.immutable }),
      metadata: { ...metadata, labels: { ...body.metadata.labels } },
    };
    secrets.set(name, secret);
    tell(before, secret, secret.metadata.resourceVersion);
    return secret;
  };

  const update = (call: KubernetesCall, body: Body, before: StoredSecret): StoredSecret => {
    const { resourceVersion } = body.metadata;
    if (resourceVersion !== undefined && resourceVersion !== before.metadata.resourceVersion) {
      throw refusedError(call, { statusCode: 409, reason: 'Conflict' });
    }
    const isOther = JSON.stringify(body.data ?? {}) !== JSON.stringify(before.data);
    if ((body.type ?? 'Opaque') !== before.type || (before.immutable === true && isOther)) {
      throw refusedError(call, { statusCode: 422, reason: 'Invalid' });
    }
    return store(
      { ...(before.immutable === undefined ? {} : { immutable: before.immutable }), ...body },
      before.metadata.name,
      before.metadata.uid,
    );
  };
  const remove = (call: KubernetesCall, body: Body, before: StoredSecret): undefined => {
    const { uid, resourceVersion } = body.preconditions ?? {};
    const isThat =
      (uid === undefined || uid === before.metadata.uid) &&
      (resourceVersion === undefined || resourceVersion === before.metadata.resourceVersion);
    if (!isThat) throw refusedError(call, { statusCode: 409, reason: 'Conflict' });
    revision += 1;
    secrets.delete(before.metadata.name);
    tell(before, undefined, String(revision));
    return undefined;
  };

  return {
    secrets,
    revision: () => String(revision),
    list: () => [...secrets.values()].filter(isCopy),
    apply: (call) => {
      const body = call.body as Body;
      const name = body.metadata?.name ?? parseResourcePath(call.path).name ?? '';
      const before = secrets.get(name);
      if (call.verb === 'create') {
        if (before !== undefined) throw refusedError(call, { statusCode: 409, reason: 'AlreadyExists' });
        uids += 1;
        return store(body, name, `uid-${uids}`);
      }
      if (before === undefined) throw refusedError(call, { statusCode: 404, reason: 'NotFound' });
      return call.verb === 'update' ? update(call, body, before) : remove(call, body, before);
    },
  };
}
