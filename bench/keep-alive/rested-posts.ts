/** What tools/keep-alive reads. */
export interface RestedPostsPlan {
  url: string;
  body: string;
  /** One transport each: the rest between its two requests, ms. */
  restsMs: readonly number[];
  /** Unix ms from which all rests count; 0 = from each one's own first answer. */
  fromMs?: number;
  /** Added to every write and read of the client. */
  oneWayMs: number;
}

/** What became of the second requests; `lost` = EOF, a reset, or a status that the API server does not repeat. */
export interface RestedPosts {
  pairs: number;
  reused: number;
  fresh: number;
  toldToRepeat: number;
  refused: number;
  lost: number;
  failures: readonly { restMs: number; why: string }[];
}
