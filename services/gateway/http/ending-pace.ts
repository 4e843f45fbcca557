/**
 * Limits how many stalled connections end in one turn: few enough that nobody notices, and more the more there are, so
 * that 8,192 of the same moment end within 3.5 s.
 */
export const endingPace = {
  everyMs: 5,
  atOnce: (stalled: number): number => Math.max(5, Math.ceil(stalled * 0.005)),
};
