import type { Random } from '#testkit/properties/random.ts';
import { deletionOf, labels, names, own, values } from './model-copies.ts';
import type { SecretStore } from './secret-store.ts';

/** Creates somebody else with rights on the Secrets of the namespace, who does something at each call. */
export function createRival(random: Random, store: SecretStore): () => void {
  const evil = { a: 'RVZJTA==' };
  const replace = (name: string, over: object): void => {
    const secret = store.secrets.get(name);
    if (secret === undefined) return;
    const path = `/api/v1/namespaces/team/secrets/${name}`;
    store.apply({ verb: 'update', path, body: { ...secret, ...over } });
  };
  const remove = (name: string): void => {
    if (!store.secrets.has(name)) return;
    store.apply(deletionOf(name));
  };
  const make = (name: string, over: object): void => {
    remove(name);
    const body = { type: 'Opaque', data: evil, metadata: { namespace: 'team', name, labels }, ...over };
    store.apply({ verb: 'create', path: '/api/v1/namespaces/team/secrets', body });
  };
  const relabel = (name: string, changed: Record<string, string>): void => {
    const secret = store.secrets.get(name);
    if (secret !== undefined) replace(name, { metadata: { ...secret.metadata, labels: changed } });
  };
  const deeds: ((name: string) => void)[] = [
    (name) => replace(name, { data: evil }),
    (name) => replace(name, { data: evil, immutable: true }),
    (name) => replace(name, { immutable: true }),
    remove,
    (name) => make(name, {}),
    (name) => make(name, { type: 'example.com/evil' }),
    (name) => make(name, { type: 'example.com/evil', data: random.pick(values) }),
    (name) => make(name, { metadata: { namespace: 'team', name, labels: {} } }),
    (name) => relabel(name, {}),
    (name) => relabel(name, own),
    (name) => relabel(name, { ...own, 'latchkey.dev/installation': 'latchkey2' }),
    (name) => relabel(name, labels),
  ];
  return () => {
    try {
      random.pick(deeds)(random.pick(names));
    } catch {
      // The API server refuses rivals, too.
    }
  };
}
