/**
 * Bytes of one answer, or of one line of a watch. The largest object is smaller: etcd stores 1.5 MiB of it (its
 * --max-request-bytes), and JSON writes a byte as six at most (`\u0001`).
 */
export const mostAnswerBytes = 16 * 1_024 * 1_024;

/** The reason of an answer that is above it, in the field `reason` of the call's error. */
export const answerTooLarge = 'AnswerTooLarge';

/** The reason of an answer that is no JSON, or not of the shape that was asked for. */
export const answerUnreadable = 'AnswerUnreadable';
