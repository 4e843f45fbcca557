import { parseArgs } from 'node:util';
import { keyRingSecret, newKey } from './key-ring-secret.ts';

// Prints the Secret of a new key ring, or with --patch one more key for it (docs/inline-delivery.md says when):
//   npm run -s key-ring -- 2026-11 | kubectl create -f -
//   kubectl -n latchkey patch secret latchkey-keyring -p "$(npm run -s key-ring -- --patch 2027-02)"
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { patch: { type: 'boolean', default: false } },
});
const [kid = ''] = positionals;
if (!/^[A-Za-z0-9][-A-Za-z0-9_.]*$/.test(kid) || kid === 'current') {
  process.stderr.write('usage: generate-key.ts [--patch] <key id>, for example 2026-11\n');
  process.exit(1);
}
const output = values.patch ? { stringData: { [kid]: newKey() } } : keyRingSecret(kid);
process.stdout.write(`${JSON.stringify(output)}\n`);
