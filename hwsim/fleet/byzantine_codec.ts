import { decodeFrame, encodeFrame } from '../../host/security/frame.ts';
import type { Message } from '../../host/cbor/generated.ts';
import type { CipherName } from '../../host/security/cipher.ts';
import { SIMULATED_CLUSTER, simulatedLink } from '../../host/security/simulated_keys.ts';
import type { ByzantineCodec } from '../fault/byzantine.ts';

/** The only key epoch whose keys the Byzantine node has: all later key epochs exclude it. */
const knownKeyEpoch = 1;

/**
 * Makes a codec that seals and opens frames as the cluster's members do, with the keys of key epoch
 * 1.
 */
export function byzantineCodec(seed: number, nodes: number, cipher: CipherName): ByzantineCodec {
  const link = simulatedLink(seed, nodes, cipher);
  return {
    open(bytes) {
      try {
        const { header, messages } = decodeFrame(bytes, link);
        const { sender, counter, keyEpoch } = header;
        const known = messages.filter((message): message is Message => message.name !== 'unknown');
        return { sender, counter, messages: keyEpoch > knownKeyEpoch ? [] : known };
      } catch {
        return null;
      }
    },
    seal({ sender, addressee, counter }, messages) {
      try {
        const header = { cluster: SIMULATED_CLUSTER, keyEpoch: knownKeyEpoch, sender, addressee, counter };
        return encodeFrame(header, messages, link);
      } catch {
        return null;
      }
    },
  };
}
