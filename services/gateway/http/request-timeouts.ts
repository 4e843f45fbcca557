/** Bounds timeouts: the API server accepts 1 to 30 s (docs/reference/kube-apiserver.md C37), and less than this leaves no time for a body. */
const leastMs = 100;
const mostMs = 30_000;

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};
/** Each digit has one place in it, so that a text that does not match is given up at once. */
const part = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/gy;
/** Longest text that is read as a timeout; the API server's has three characters. */
const longestText = 64;

/**
 * Reads from URLs how long the API server waits for the answer: it appends a `timeout` parameter
 * (docs/reference/kube-apiserver.md C6). It remembers the last URL, for an API server always asks with the same one.
 */
export class RequestTimeouts {
  #url = '';
  #timeoutMs: number | undefined;

  /** Returns 100 to 30,000 ms; `fallbackMs` for a timeout that is missing, no duration of Go, or not above zero. */
  of(url: string, fallbackMs: number): number {
    if (url !== this.#url) {
      this.#timeoutMs = readTimeoutMs(url);
      this.#url = url;
    }
    return this.#timeoutMs ?? fallbackMs;
  }
}

function readTimeoutMs(url: string): number | undefined {
  const queryAt = url.indexOf('?');
  const text = queryAt < 0 ? null : new URLSearchParams(url.slice(queryAt + 1)).get('timeout');
  const timeoutMs = goDurationMs((text ?? '').slice(0, longestText + 1));
  if (timeoutMs === undefined || timeoutMs <= 0) return undefined;
  return Math.min(mostMs, Math.max(leastMs, timeoutMs));
}

/** Reads what Go's `time.ParseDuration` reads, such as `1m30s`, without a sign: a negative one is of no use here. */
function goDurationMs(text: string): number | undefined {
  if (text.length > longestText) return undefined;
  let totalMs = 0;
  let readTo = 0;
  for (const [whole, number, unit = ''] of text.matchAll(part)) {
    totalMs += Number(number) * (unitMs[unit] ?? Number.NaN);
    readTo += whole.length;
  }
  return readTo === 0 || readTo < text.length ? undefined : totalMs;
}
