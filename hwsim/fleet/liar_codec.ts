import { decodeFrame, encodeFrame } from '../../host/cbor/frame.ts';
import type { Message } from '../../host/cbor/generated.ts';
import type { LiarCodec } from '../fault/liar.ts';

/** Frames as the cluster's own members make and read them. */
export function liarCodec(): LiarCodec {
  return {
    open(bytes) {
      try {
        const { header, messages } = decodeFrame(bytes);
        return { sender: header.sender, messages: messages.filter((message): message is Message => message.name !== 'unknown') };
      } catch {
        return null;
      }
    },
    seal({ sender, addressee, counter }, messages) {
      try {
        return encodeFrame({ version: 1, cluster: 1, sender, addressee, counter }, messages);
      } catch {
        return null;
      }
    },
  };
}
