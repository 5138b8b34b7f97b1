"""Opens recorded frames and makes frames, with a codec and a cipher written from docs/ alone.

    main.py vectors PAGE FILE.json…                    one JSON object: how many were taken and refused
    main.py open PAGE NODE.json FRAMES.bin.gz COUNT    one JSON line per frame
    main.py make PAGE NODE.json AUTHORITY.json MISSION_S    one JSON object: what a node is given

PAGE is docs/messages.md; NODE.json and AUTHORITY.json are key files (docs/security.md).
"""

import gzip
import json
import struct
import sys
from dataclasses import asdict
from pathlib import Path

import cbor2

from codec import Codec, Refused
from links import TO_ALL, Authority, Header, Links, cycle_of, intent_digest, sign, statement_bytes

FRAME_HEAD_BYTES = 14


def shown(value):
    """Byte strings as hexadecimal digits."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list):
        return [shown(each) for each in value]
    return {name: shown(each) for name, each in value.items()} if isinstance(value, dict) else value


def open_frames(codec: Codec, links: Links, path: str, count: int) -> None:
    with gzip.open(path) as recording:
        for _ in range(count):
            head = recording.read(FRAME_HEAD_BYTES)
            if len(head) < FRAME_HEAD_BYTES:
                return
            (length,) = struct.unpack(">H", head[12:])
            frame = recording.read(length)
            header, plaintext = links.open(frame)
            messages = codec.decode(plaintext, on_air=True)
            sealed_again = links.seal(header, plaintext) == frame
            encoded_again = b"".join(
                codec.encode(name, **fields)
                for name, fields in ((each["name"], {k: v for k, v in each.items() if k != "name"}) for each in messages)
            )
            print(
                json.dumps(
                    {
                        "timeMs": int.from_bytes(head[:6], "big"),
                        "sender": int.from_bytes(head[6:8], "big"),
                        "header": asdict(header),
                        "messages": shown(messages),
                        "same": sealed_again and encoded_again == plaintext,
                    }
                )
            )


def check_vectors(codec: Codec, paths: list[str]) -> None:
    """Takes each good encoding and refuses each bad one of proto/vectors. Throws Refused."""
    counts = {"good": 0, "bad": 0}
    for path in paths:
        for rule in json.loads(Path(path).read_text(encoding="utf-8")):
            for each in rule["good"]:
                [message] = codec.decode(bytes.fromhex(each["hex"]), on_air=False)
                name = message.pop("name")
                if name != rule["rule"] or codec.encode(name, **message).hex() != each["hex"]:
                    raise Refused(f"{rule['rule']}, {each['name']}: comes out otherwise")
                counts["good"] += 1
            for each in rule["bad"]:
                try:
                    [message] = codec.decode(bytes.fromhex(each["hex"]), on_air=False)
                except (Refused, ValueError):
                    counts["bad"] += 1
                    continue
                if message["name"] == rule["rule"]:
                    raise Refused(f"{rule['rule']}, {each['why']}: is taken")
                counts["bad"] += 1
    print(json.dumps(counts))


class Maker:
    """Makes what a node of the cluster is given at a mission second."""

    def __init__(self, codec: Codec, node: dict, authority: dict, mission_s: int):
        self.codec = codec
        self.node = node
        self.links = Links(node)
        self.authority = Authority(authority["cluster"], bytes.fromhex(authority["clusterKey"]))
        self.mission_s = mission_s

    def frame(self, plaintext: bytes, back: int, epoch: int = 1, addressee: int = TO_ALL) -> str:
        """Seals with the counter of the present cycle, less `back`: each counter is used once."""
        sender = self.node["id"]
        counter = cycle_of(self.mission_s * 1000, sender) - back
        return self.links.seal(Header(self.node["cluster"], epoch, sender, addressee, counter), plaintext).hex()

    def heartbeat(self) -> bytes:
        """Says that the sender heard itself now (7), and nobody else (0)."""
        size = -(-self.codec.members // 8)
        plane = bytearray(size)
        plane[self.node["id"] // 8] |= 1 << self.node["id"] % 8
        return self.codec.encode(
            "heartbeat", timeS=self.mission_s, timeMs=0, errorMs=100, ages=bytes(plane) * 3,
            digestHigh=0, digestLow=0, recent=0, agree=bytes(size),
        )  # fmt: skip

    def intent(self) -> dict:
        """A claim on site 1 of lot 1, published now: intent slot 0, first version of incarnation 1."""
        now = self.mission_s
        return {
            "owner": self.node["id"], "slot": 0, "version": (1 << 19) + 1, "kind": 1, "resource": 1 << 16 | 1,
            "startS": now + 3600, "endS": now + 7200, "rate": 100, "priority": 5, "state": 2, "generation": 1,
            "claimS": now, "publishedS": now, "nonce": 4711, "read": 0, "leaseS": 0,
        }  # fmt: skip

    def statement(self) -> bytes:
        """The owner's signed statement on that claim."""
        owner, slot, version = (self.intent()[name] for name in ("owner", "slot", "version"))
        digest = intent_digest(self.codec.encode("intent", **self.intent()))
        text = (self.node["cluster"], owner, slot, version, self.mission_s, digest)
        signature = sign(bytes.fromhex(self.node["seed"]), statement_bytes(*text))
        return self.codec.encode(
            "statement", owner=owner, slot=slot, version=version, atS=self.mission_s, digest=digest, signature=signature
        )

    def configuration(self) -> bytes:
        """What a boot of this very member is given."""
        config = self.codec.encode(
            "config", cluster=self.node["cluster"], self=self.node["id"], members=self.node["members"], generation=1,
            incarnation=1, seed=1, timeKnown=1, timeS=self.mission_s, timeMs=0, rateMax=200, storageKg=1000,
            batteryWh=1000, solarW=1000, baseW=10, replicateW=10, mineWhPerKg=10, features=0, resets=0, image=0,
            reserved=0, ownerRateMax=0,
        )  # fmt: skip
        group = self.codec.encode("group", group=1, kind=1, units=4, capacity=1000, stockKg=100_000, loadKg=0)
        secrets = [
            self.codec.encode("link-secret", keyEpoch=each["epoch"], startS=each["startS"], secret=bytes.fromhex(each["secret"]))
            for each in self.node["secrets"]
        ]
        path = [self.codec.encode("path-key", node=each["node"], key=bytes.fromhex(each["key"])) for each in self.node["path"]]
        return b"".join([config, group, *secrets, *path])

    def all(self) -> dict:
        probe = self.codec.encode("probe", sequence=41)
        secret = bytes(range(32))
        head, parts = self.authority.key_epoch(2, 0, secret, [1])
        self.links.add(2, secret)
        key_epoch = self.codec.encode("key-epoch-head", **head) + self.codec.encode("key-epoch-part", **parts[0])
        # Type 40 is not in use; four levels of arrays are passed over, five are not.
        unknown = [cbor2.dumps([40, -1, {1: b"x"}, [[[7, None]]]]), cbor2.dumps([40, [[[[7]]]]])]
        return {
            "configuration": self.configuration().hex(),
            "heartbeat": self.frame(self.heartbeat() + probe, 6, addressee=0),
            "short heartbeat": self.frame(self.short_heartbeat(), 7),
            "intent": self.frame(self.heartbeat() + self.codec.encode("intent", **self.intent()), 5),
            "statement": self.frame(self.statement(), 4),
            "unknown": self.frame(unknown[0] + probe, 3, addressee=0),
            "unknown too deep": self.frame(unknown[1] + probe, 8, addressee=0),
            "unknown in key epoch 0": self.frame(unknown[0], 9, epoch=0),
            "key epoch": self.frame(key_epoch, 2, epoch=0),
            "key epoch again": self.frame(key_epoch, 1, epoch=0),
            "under the new key": self.frame(self.heartbeat() + probe, 0, epoch=2, addressee=0),
        }

    def short_heartbeat(self) -> bytes:
        """A heartbeat of a smaller cluster: its bitmaps are too short."""
        item = cbor2.loads(self.heartbeat())
        item[4], item[8] = item[4][:-2], item[8][:-1]
        return cbor2.dumps(item, canonical=True)


def main() -> None:
    order, page, *rest = sys.argv[1:]
    if order == "vectors":
        check_vectors(Codec(Path(page), None), rest)
        return
    node_path, *rest = rest
    node = json.loads(Path(node_path).read_text())
    codec = Codec(Path(page), node["members"])
    if order == "open":
        open_frames(codec, Links(node), rest[0], int(rest[1]))
    else:
        made = Maker(codec, node, json.loads(Path(rest[0]).read_text()), int(rest[1])).all()
        print(json.dumps(made))


if __name__ == "__main__":
    try:
        main()
    except Refused as refused:
        sys.exit(f"refused: {refused}")
