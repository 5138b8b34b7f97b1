/** Times that the image was compiled with and that are no constants of the protocol. */
import { ROUND_S } from '../../host/cbor/generated.ts';
import { firmwareConstants } from '../../hwsim/emulator/memory_map.ts';

const constants = firmwareConstants('flight');

function constant(name: string): number {
  const value = constants.get(name);
  if (value === undefined) throw new Error(`the image has no constant ${name}`);
  return value;
}

/** A round is cut this long before it begins, seconds. */
export const CUT_LAG_S = constant('CUT_LAG_S');
/**
 * An owner in contact objects within this time to a version that was forged in its name, seconds.
 */
export const OBJECTION_S = constant('OBJECTION_S');

/** When the first round begins at or after a mission second. */
export const roundFrom = (missionS: number): number => Math.ceil(missionS / ROUND_S) * ROUND_S;
