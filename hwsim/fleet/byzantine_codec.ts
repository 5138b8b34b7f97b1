import { decodeFrame, encodeFrame } from '../../host/cbor/frame.ts';
import type { Message } from '../../host/cbor/generated.ts';
import type { CipherName } from '../../host/security/cipher.ts';
import { SIMULATED_CLUSTER, simulatedLink } from '../../host/security/provision.ts';
import type { ByzantineCodec } from '../fault/byzantine.ts';

/** Frames as the cluster's own members seal and open them: a byzantine holds the keys of its place, but for those of epochs that exclude it, which is all after the first. */
export function byzantineCodec(seed: number, nodes: number, cipher: CipherName): ByzantineCodec {
  const link = simulatedLink(seed, nodes, cipher);
  return {
    open(bytes) {
      try {
        const { header, messages } = decodeFrame(bytes, link);
        const { sender, counter, epoch } = header;
        const read = epoch > 1 ? [] : messages.filter((message): message is Message => message.name !== 'unknown');
        return { sender, counter, messages: read };
      } catch {
        return null;
      }
    },
    seal({ sender, addressee, counter }, messages) {
      try {
        return encodeFrame({ cluster: SIMULATED_CLUSTER, epoch: 1, sender, addressee, counter }, messages, link);
      } catch {
        return null;
      }
    },
  };
}
