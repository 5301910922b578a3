/** How many wrong codes are let pass in how long a time, counted from the beginning of the calls that brought them. */
export interface LockOut {
  readonly wrongCodesMax: number;
  readonly seconds: number;
}

/** One caller, known by number: three whole calls of three wrong codes. Refused until the window has passed. */
export const CALLER_LOCK_OUT: LockOut = { wrongCodesMax: 9, seconds: 1_800 };
/** All callers of one number who show none: one bucket, since nothing tells them apart. */
export const UNKNOWN_LOCK_OUT: LockOut = { wrongCodesMax: 90, seconds: 1_800 };
/**
 * All callers of one number: it isn't closed but guarded, since whoever guesses may write any caller into the call. On
 * top of these, as many wrong codes pass as right ones came in the same time: where many call, many mistype.
 */
export const NUMBER_GUARD: LockOut = { wrongCodesMax: 60, seconds: 600 };

/** Silent, incomplete and wrong tries together; each costs the caller, so there are few. */
export const CODE_TRIES_MAX = 3;
/** On a number that is guarded. */
export const CODE_TRIES_GUARDED_MAX = 1;

/** Wrong codes within the windows of the lock-outs. */
export interface WrongCodes {
  readonly byCaller: number;
  /** By callers of this number who show none. */
  readonly byUnknown: number;
  readonly onNumber: number;
  /** Calls of this number with a right code; counted only where there are enough wrong ones to ask. */
  readonly rightOnNumber: number;
}

/** Whether a caller may not try any further code now. */
export function isLockedOut(wrong: WrongCodes, callerIsKnown: boolean): boolean {
  return callerIsKnown
    ? wrong.byCaller >= CALLER_LOCK_OUT.wrongCodesMax
    : wrong.byUnknown >= UNKNOWN_LOCK_OUT.wrongCodesMax;
}

export function isGuarded(wrong: WrongCodes): boolean {
  return wrong.onNumber >= NUMBER_GUARD.wrongCodesMax + wrong.rightOnNumber;
}
