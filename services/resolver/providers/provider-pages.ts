import { createHash } from 'node:crypto';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';

/** One page of a list, and what asks for the one after it; empty or absent after the last. */
export interface ProviderPage<T> {
  items: readonly T[];
  next: string | null | undefined;
}

/**
 * Asks for one page after another.
 * @param place what is listed, for the error
 * @throws PROVIDER_UNREACHABLE when a page leads back to one before: such a list has no end
 */
export async function* providerPages<T>(
  place: string,
  ask: (token: string | undefined) => Promise<ProviderPage<T>>,
): AsyncIterable<readonly T[]> {
  const notePage = createPageGuard(place);
  let token: string | undefined;
  do {
    const { items, next } = await ask(token);
    yield items;
    token = next || undefined;
    if (token !== undefined) notePage(token);
  } while (token !== undefined);
}

/** Creates what is told of each page that is asked for. @throws PROVIDER_UNREACHABLE when it was asked for before */
export function createPageGuard(place: string): (token: string) => void {
  // A token may be long, and there are as many as pages.
  const seen = new Set<string>();
  return (token) => {
    const digest = createHash('sha256').update(token).digest('base64');
    if (seen.has(digest)) {
      throw new LatchkeyError(
        'PROVIDER_UNREACHABLE',
        `the list of ${place} has no end: after ${seen.size} pages one leads back to one before. Look at what answers at the provider's address`,
        { fields: { place, pages: seen.size } },
      );
    }
    seen.add(digest);
  };
}
