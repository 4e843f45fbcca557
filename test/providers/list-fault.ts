import assert from 'node:assert/strict';
import { listingError } from '../../services/resolver/listing-error.ts';
import type { Provider } from '../../services/resolver/providers/provider.ts';
import { listAll } from './held-rules.ts';

/** How the list of a provider is to end, and a text of its answers that the error must not quote. */
interface ListFault {
  code: string;
  words: RegExp;
  canary: string;
}

/** Lists what a provider has, and fails unless that ends with this error. */
export async function assertListFault(
  source: string,
  provider: Provider,
  { code, words, canary }: ListFault,
): Promise<void> {
  await assert.rejects(listAll(provider), (cause) => {
    const error = listingError(source, cause);
    assert.equal(error.code, code);
    assert.match(error.message, words);
    assert.ok(!error.message.includes(canary));
    return true;
  });
}
