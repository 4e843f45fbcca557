import type { Listing } from '../../services/resolver/providers/provider.ts';

/** A listing that wants everything and bounds nothing. */
export const aListing = (told: Partial<Listing> = {}): Listing => ({
  signal: new AbortController().signal,
  enter: () => undefined,
  charge: () => undefined,
  wants: () => true,
  keepFormer: () => undefined,
  leaveOut: () => undefined,
  ...told,
});

/** What one answer may have where a test is not about that. */
export const mostAnswerBytes = 1_024 * 1_024;
