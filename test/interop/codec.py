"""Encodes and decodes messages and records by the tables of docs/messages.md.

It is a second codec, written from the page alone: the page's tables are read when the program
starts, and CBOR (RFC 8949) is cbor2's. It shares no code with the generated codecs.
"""

import io
import re
from dataclasses import dataclass, field
from pathlib import Path

import cbor2

RANGES = {"u8": (0, 0xFF), "u16": (0, 0xFFFF), "u32": (0, 0xFFFFFFFF)}
UNKNOWN_TYPE_MAX = 127
MEMBERS_MAX = 200
# A check is the last item of a record: a byte string of four bytes behind its head.
CHECK_BYTES = 4
CHECK_ITEM_BYTES = 5


class Refused(Exception):
    """The bytes are no message; the text says why."""


def crc32c(data: bytes) -> bytes:
    """CRC-32C (Castagnoli, RFC 3720), big-endian."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return (crc ^ 0xFFFFFFFF).to_bytes(4, "big")


@dataclass
class Kind:
    """One field: an unsigned integer, a byte string, or a list of records or of integers."""

    name: str
    kind: str
    low: int
    high: int
    bitmaps: int = 0
    items: list["Kind"] = field(default_factory=list)
    is_record: bool = False


def split_fields(text: str) -> list[str]:
    """Splits at commas that stand outside of brackets."""
    parts, depth, part = [], 0, ""
    for char in text:
        depth += (char == "[") - (char == "]")
        if char == "," and depth == 0:
            parts.append(part.strip())
            part = ""
        else:
            part += char
    return [each for each in [*parts, part.strip()] if each]


def range_of(text: str) -> tuple[int, int]:
    if text in RANGES:
        return RANGES[text]
    low, high = text.split("..")
    return int(low), int(high)


def kind_of(text: str) -> Kind:
    """Reads one field of the table, as `slot 0..7` or `entries 0–16 × [member u16, …]`."""
    if text == "check":
        return Kind(text, "check", CHECK_BYTES, CHECK_BYTES)
    name, rest = text.split(" ", 1)
    bitmap = re.fullmatch(r"(?:(\d+) × )?⌈members ÷ 8⌉ bytes", rest)
    if bitmap:
        return Kind(name, "bytes", 0, 0, bitmaps=int(bitmap[1] or 1))
    fixed = re.fullmatch(r"(\d+)(?:–(\d+))? bytes", rest)
    if fixed:
        return Kind(name, "bytes", int(fixed[1]), int(fixed[2] or fixed[1]))
    many = re.fullmatch(r"(\d+)–(\d+) × (.*)", rest)
    if many is None:
        return Kind(name, "uint", *range_of(rest))
    low, high, item = int(many[1]), int(many[2]), many[3]
    is_record = item.startswith("[")
    items = [kind_of(each) for each in split_fields(item[1:-1])] if is_record else [kind_of(f"item {item}")]
    return Kind(name, "list", low, high, items=items, is_record=is_record)


class Codec:
    """The messages of the page, for a cluster of `members`; None: of any size."""

    def __init__(self, page: Path, members: int | None):
        self.members = members
        self.shapes: dict[int, tuple[str, list[Kind]]] = {}
        self.types: dict[str, int] = {}
        for line in page.read_text(encoding="utf-8").splitlines():
            cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
            if len(cells) == 5 and cells[0].isdigit():
                name = cells[1].strip("`")
                self.shapes[int(cells[0])] = (name, [kind_of(each) for each in split_fields(cells[3])])
                self.types[name] = int(cells[0])

    # ---- encoding ----

    def encode(self, name: str, /, **values) -> bytes:
        type_, (_, kinds) = self.types[name], self.shapes[self.types[name]]
        given = [kind.name for kind in kinds if kind.kind != "check"]
        if set(values) != set(given):
            raise Refused(f"{name} has the fields {given}")
        items = [self._plain(kind, values.get(kind.name, bytes(CHECK_BYTES))) for kind in kinds]
        record = cbor2.dumps([type_, *items], canonical=True)
        return record if len(given) == len(kinds) else record[:-CHECK_BYTES] + crc32c(record[:-CHECK_ITEM_BYTES])

    def _plain(self, kind: Kind, value):
        self._check(kind, value)
        if kind.kind != "list":
            return value
        if kind.is_record:
            return [[self._plain(each, entry[each.name]) for each in kind.items] for entry in value]
        return [self._plain(kind.items[0], each) for each in value]

    def _check(self, kind: Kind, value) -> None:
        if kind.kind == "uint":
            if type(value) is not int or not kind.low <= value <= kind.high:
                raise Refused(f"{kind.name} is {value!r}, not of {kind.low}..{kind.high}")
            return
        low, high = kind.low, kind.high
        if kind.bitmaps:
            high = kind.bitmaps * -(-(self.members or MEMBERS_MAX) // 8)
            low = 0 if self.members is None else high
        wanted = list if kind.kind == "list" else bytes
        if not isinstance(value, wanted) or not low <= len(value) <= high:
            raise Refused(f"{kind.name} is no {kind.kind} of {low}..{high}")

    # ---- decoding ----

    def decode(self, data: bytes, on_air: bool) -> list[dict]:
        """Decodes a sequence whole. Throws Refused."""
        messages, stream = [], io.BytesIO(data)
        while stream.tell() < len(data):
            begin = stream.tell()
            try:
                item = cbor2.CBORDecoder(stream).decode()
                encoded = cbor2.dumps(item, canonical=True)
            except (cbor2.CBORError, ValueError, RecursionError) as error:
                raise Refused(f"byte {begin}: {error}") from error
            # Shortest heads and definite lengths: what decodes has one encoding only.
            if encoded != data[begin : stream.tell()]:
                raise Refused(f"byte {begin}: not the deterministic encoding")
            messages.append(self._message(item, on_air))
        return messages

    def _message(self, item, on_air: bool) -> dict:
        if not isinstance(item, list) or not item or type(item[0]) is not int or item[0] < 0:
            raise Refused("no array that begins with a type")
        type_, values = item[0], item[1:]
        if on_air and type_ > UNKNOWN_TYPE_MAX:
            raise Refused(f"type {type_} never travels in a frame")
        if type_ not in self.shapes:
            return {"name": "unknown", "type": type_}
        name, kinds = self.shapes[type_]
        if len(values) != len(kinds):
            raise Refused(f"{name} has {len(kinds)} fields, not {len(values)}")
        fields = {kind.name: self._named(kind, each) for kind, each in zip(kinds, values)}
        check = fields.pop("check", None)
        if check is not None and self.encode(name, **fields)[-CHECK_BYTES:] != check:
            raise Refused(f"{name}: its check is wrong")
        return {"name": name, **fields}

    def _named(self, kind: Kind, value):
        self._check(kind, value)
        if kind.kind != "list":
            return value
        if not kind.is_record:
            return [self._named(kind.items[0], each) for each in value]
        if any(not isinstance(entry, list) or len(entry) != len(kind.items) for entry in value):
            raise Refused(f"{kind.name} holds no such records")
        return [{each.name: self._named(each, part) for each, part in zip(kind.items, entry)} for entry in value]
