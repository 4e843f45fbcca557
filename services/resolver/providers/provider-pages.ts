import { createHash } from 'node:crypto';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { isTooLong } from './read-answer.ts';

/** One page of a list, and what asks for the one after it; empty or absent after the last. */
export interface ProviderPage<T> {
  items: readonly T[];
  next: string | null | undefined;
}

type AskPage<T> = (token: string | undefined, size: number) => Promise<ProviderPage<T>>;

/**
 * Asks for one page after another. One that is too long is asked for again with fewer items: what a tenant writes into tags and
 * annotations is part of the answer, too.
 * @param list.place what is listed, for the error
 * @param list.size items of a page at most
 * @throws PROVIDER_UNREACHABLE when a page leads back to one before: such a list has no end
 */
export async function* providerPages<T>(
  { place, size }: { place: string; size: number },
  ask: AskPage<T>,
): AsyncIterable<readonly T[]> {
  const notePage = createPageGuard(place);
  let token: string | undefined;
  do {
    const { items, next } = await askForLess(ask, token, size);
    yield items;
    token = next || undefined;
    if (token !== undefined) notePage(token);
  } while (token !== undefined);
}

const fewerTimes = 8;

async function askForLess<T>(
  ask: AskPage<T>,
  token: string | undefined,
  size: number,
): Promise<ProviderPage<T>> {
  try {
    return await ask(token, size);
  } catch (error) {
    if (size === 1 || !isTooLong(error)) throw error;
    return askForLess(ask, token, Math.ceil(size / fewerTimes));
  }
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
