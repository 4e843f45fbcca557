/** Why a request is answered with 503 and no decision: too many at once, or its deadline has passed. */
export type ShedReason = 'overloaded' | 'late';

/** Where a request is between its head and its answer. */
export type RequestState =
  /** Its body is arriving and kept. */
  | 'arriving'
  /** It is shed, and answered as soon as its body has ended; what arrives is discarded. */
  | 'refused'
  /** Its body is whole, and kept until its turn, also when the client has gone. */
  | 'queued'
  | 'answered';

/** What happens to a request; `turn` stands for a turn that comes in time and with the client still there. */
export type RequestEvent = 'overloaded' | 'whole' | 'too-long' | 'deadline' | 'gone' | 'turn';

/** What becomes of a request. */
export type Outcome =
  | { kind: 'decide' }
  /** 503; the connection lives on when the body is whole. */
  | { kind: 'shed'; reason: ShedReason; isBodyWhole: boolean }
  /** 413. */
  | { kind: 'too-long' }
  /** Nobody waits for an answer. */
  | { kind: 'gone' };

/** What an event does to a request. */
export interface Step {
  to: RequestState;
  /** Counted once a request. */
  shed?: ShedReason;
  /** Given in exactly the steps that lead to `answered`. */
  outcome?: Outcome;
}

const gone: Step = { to: 'answered', outcome: { kind: 'gone' } };
const shed = (reason: ShedReason, isBodyWhole: boolean): Step => ({
  to: 'answered',
  outcome: { kind: 'shed', reason, isBodyWhole },
});

/** Lists what each event does to a request in each state; what is not listed does nothing. */
export const requestPlan: Readonly<Record<RequestState, Readonly<Partial<Record<RequestEvent, Step>>>>> = {
  arriving: {
    overloaded: { to: 'refused', shed: 'overloaded' },
    whole: { to: 'queued' },
    'too-long': { to: 'answered', outcome: { kind: 'too-long' } },
    deadline: { ...shed('late', false), shed: 'late' },
    gone,
  },
  refused: {
    whole: shed('overloaded', true),
    'too-long': shed('overloaded', false),
    deadline: shed('late', false),
    gone,
  },
  queued: {
    turn: { to: 'answered', outcome: { kind: 'decide' } },
    deadline: { ...shed('late', true), shed: 'late' },
    gone,
  },
  answered: {},
};
