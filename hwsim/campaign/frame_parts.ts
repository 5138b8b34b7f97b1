import { skipItem } from '../../host/cbor/item.ts';
import type { LinkCipher } from '../../host/security/frame.ts';
import { open } from '../../host/security/envelope.ts';

/** Who a frame names as its sender, and its messages one by one, as hexadecimal digits. */
export interface FrameParts {
  sender: string;
  messages: string[];
}

export const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/**
 * Opens a frame and splits it. A frame that does not open, or is no CBOR, is one message that no
 * other frame has.
 */
export function partsOf(frame: Uint8Array, link: LinkCipher): FrameParts {
  const messages: string[] = [];
  let sender = '';
  try {
    const { header, plaintext } = open(frame, link.keyOf, link.cipher);
    sender = `${header.cluster}/${header.sender}`;
    for (let at = 0; at < plaintext.length; ) {
      const next = skipItem(plaintext, at, plaintext.length);
      messages.push(hex(plaintext.subarray(at, next)));
      at = next;
    }
  } catch {
    messages.push(hex(frame));
  }
  return { sender, messages };
}
