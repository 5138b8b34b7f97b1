/**
 * Reads sections and symbols of ELF files (System V ABI, chapter 4): 32 and 64 bits, either byte
 * order.
 */

export interface ElfSection {
  readonly name: string;
  readonly address: number;
  readonly offset: number;
  readonly bytes: number;
}

export interface Elf {
  readonly bits: 32 | 64;
  readonly bigEndian: boolean;
  readonly entry: number;
  readonly sections: readonly ElfSection[];
  /** Addresses by name; of two symbols of one name the global one. Thumb's low bit is removed. */
  readonly symbols: ReadonlyMap<string, number>;
  /** Functions with their sizes, in order of address. */
  readonly functions: readonly { readonly name: string; readonly address: number; readonly bytes: number }[];
}

const SHT_SYMTAB = 2;
const STT_FUNC = 2;
const EM_ARM = 40;

/** Throws when `bytes` are no ELF file. */
export function readElf(bytes: Uint8Array): Elf {
  if (bytes.length < 52 || bytes[0] !== 0x7f || String.fromCharCode(bytes[1], bytes[2], bytes[3]) !== 'ELF')
    throw new Error('this is no ELF file');
  const bits = bytes[4] === 2 ? 64 : 32;
  const bigEndian = bytes[5] === 2;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const half = (at: number) => view.getUint16(at, !bigEndian);
  const word = (at: number) => view.getUint32(at, !bigEndian);
  /** Reads an address-sized number; addresses here stay below 2^53. */
  const long = (at: number) => (bits === 32 ? word(at) : Number(view.getBigUint64(at, !bigEndian)));
  const at = bits === 32 ? { entry: 24, table: 32, size: 46 } : { entry: 24, table: 40, size: 58 };
  const table = long(at.table);
  const stride = half(at.size);
  const count = half(at.size + 2);
  const text = (from: number) => {
    const end = bytes.indexOf(0, from);
    return new TextDecoder().decode(bytes.subarray(from, end));
  };
  const headers = Array.from({ length: count }, (_, index) => {
    const header = table + index * stride;
    const field = bits === 32 ? [12, 16, 20, 24] : [16, 24, 32, 40];
    const [address, offset, size, link] = [
      long(header + field[0]),
      long(header + field[1]),
      long(header + field[2]),
      word(header + field[3]),
    ];
    return { nameAt: word(header), type: word(header + 4), address, offset, bytes: size, link };
  });
  const names = headers[half(at.size + 4)];
  const sections = headers.map(({ nameAt, address, offset, bytes: size }) => ({
    ...{ name: text(names.offset + nameAt), address, offset, bytes: size },
  }));
  const symbols = new Map<string, number>();
  const functions: { name: string; address: number; bytes: number }[] = [];
  const thumb = half(18) === EM_ARM ? 1 : 0;
  for (const header of headers.filter(({ type }) => type === SHT_SYMTAB)) {
    const entry = bits === 32 ? 16 : 24;
    for (let symbol = header.offset; symbol < header.offset + header.bytes; symbol += entry) {
      const name = text(headers[header.link].offset + word(symbol));
      const info = bytes[symbol + (bits === 32 ? 12 : 4)];
      const isFunction = (info & 15) === STT_FUNC;
      const address = long(symbol + (bits === 32 ? 4 : 8)) - (isFunction && thumb ? long(symbol + 4) & 1 : 0);
      if (name === '') continue;
      if (info >> 4 !== 0 || !symbols.has(name)) symbols.set(name, address);
      if (isFunction) functions.push({ name, address, bytes: long(symbol + (bits === 32 ? 8 : 16)) });
    }
  }
  functions.sort((a, b) => a.address - b.address);
  return { bits, bigEndian, entry: long(at.entry), sections, symbols, functions };
}
