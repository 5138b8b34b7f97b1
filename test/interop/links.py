"""Seals and opens frames, and makes key epochs, as docs/security.md and docs/messages.md say.

COSE structures (RFC 9052) are pycose's; ChaCha20/Poly1305 and HKDF come from cryptography.
"""

import hashlib
import struct
from dataclasses import dataclass

import cbor2
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pycose.algorithms import CoseAlgorithm, EdDSA
from pycose.headers import KID, Algorithm, PartialIV
from pycose.keys import OKPKey, SymmetricKey
from pycose.keys.curves import Ed25519
from pycose.messages import CoseMessage, Enc0Message, Sign1Message

from codec import Refused, crc32c

VERSION = 1
TO_ALL = 65535
CRC_BYTES = 4
FRAME_BYTES_MAX = 256
CYCLE_MS = 15_000


@CoseAlgorithm.register_attribute()
class LinkAlgorithm(CoseAlgorithm):
    """Algorithm 24 of RFC 9053, ChaCha20/Poly1305, which pycose does not have."""

    identifier = 24
    fullname = "CHACHA20_POLY1305"

    @classmethod
    def get_key_length(cls) -> int:
        return 32

    @classmethod
    def encrypt(cls, key, nonce: bytes, data: bytes, aad: bytes) -> bytes:
        return ChaCha20Poly1305(key.k).encrypt(nonce, data, aad)

    @classmethod
    def decrypt(cls, key, nonce: bytes, ciphertext: bytes, aad: bytes) -> bytes:
        return ChaCha20Poly1305(key.k).decrypt(nonce, ciphertext, aad)


class LinkMessage(Enc0Message):
    """COSE_Encrypt0 whose IV is Base IV (sender and ten zeros) XOR Partial IV (RFC 9052 §3.1)."""

    def _get_nonce(self) -> bytes:
        sender = self.phdr[KID][5:7]
        partial = bytes(8) + self.phdr[PartialIV]
        return bytes(a ^ b for a, b in zip(sender + bytes(10), partial))


def derive(key: bytes, label: str, *numbers: int) -> bytes:
    info = label.encode() + b"".join(struct.pack(">H", number) for number in numbers)
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(key)


def cycle_of(mission_ms: int, member: int) -> int:
    """A member's cycle c begins at (c − 1) · 15 s + ⌊62.5 ms · member⌋."""
    return (mission_ms - member * 125 // 2) // CYCLE_MS + 1


@dataclass
class Header:
    cluster: int
    keyEpoch: int
    sender: int
    addressee: int
    counter: int

    def key_id(self) -> bytes:
        return struct.pack(">BHHHH", VERSION, self.cluster, self.keyEpoch, self.sender, self.addressee)


class Links:
    """The links of one cluster, opened with one member's key file."""

    def __init__(self, node: dict):
        self.cluster = node["cluster"]
        self.path = {each["node"]: bytes.fromhex(each["key"]) for each in node["path"]}
        self.keys = {0: derive(self.path[1], "heliograph link", self.cluster, 0)}
        for each in node["secrets"]:
            self.add(each["epoch"], bytes.fromhex(each["secret"]))

    def add(self, epoch: int, secret: bytes) -> None:
        self.keys[epoch] = derive(secret, "heliograph link", self.cluster, epoch)

    def seal(self, header: Header, plaintext: bytes) -> bytes:
        phdr = {Algorithm: LinkAlgorithm, KID: header.key_id(), PartialIV: struct.pack(">I", header.counter)}
        message = LinkMessage(phdr=phdr, payload=plaintext, key=SymmetricKey(k=self.keys[header.keyEpoch]))
        sealed = message.encode()
        frame = sealed + crc32c(sealed)
        if len(frame) > FRAME_BYTES_MAX:
            raise Refused(f"{len(frame)} bytes")
        return frame

    def open(self, frame: bytes) -> tuple[Header, bytes]:
        """Opens a frame. Throws Refused."""
        sealed, crc = frame[:-CRC_BYTES], frame[-CRC_BYTES:]
        if crc32c(sealed) != crc:
            raise Refused("CRC-32C")
        parsed = CoseMessage.decode(sealed)
        # The frame has one layout: pycose's parts, put together again, are the same bytes.
        parts = [parsed.phdr_encoded, {}, parsed.payload]
        if cbor2.dumps(cbor2.CBORTag(16, parts), canonical=True) != sealed:
            raise Refused("layout")
        version, *numbers = struct.unpack(">BHHHH", parsed.phdr[KID])
        header = Header(*numbers, struct.unpack(">I", parsed.phdr[PartialIV])[0])
        if version != VERSION or header.cluster != self.cluster or header.keyEpoch not in self.keys:
            raise Refused("version, cluster or key epoch")
        key = SymmetricKey(k=self.keys[header.keyEpoch])
        message = LinkMessage(phdr=parsed.phdr, payload=parsed.payload, key=key)
        if message.phdr_encoded != parsed.phdr_encoded:
            raise Refused("protected header")
        try:
            return header, message.decrypt()
        except InvalidTag as error:
            raise Refused("tag") from error


def sign(seed: bytes, message: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).sign(message)


def statement_bytes(cluster: int, owner: int, slot: int, version: int, at_s: int, digest: bytes) -> bytes:
    return b"heliograph intent" + struct.pack(">HHBII", cluster, owner, slot, version, at_s) + digest


def intent_digest(message: bytes) -> bytes:
    return hashlib.sha256(message).digest()[:16]


class Authority:
    """The authority of a cluster: makes key epochs with a cover of the whole tree."""

    def __init__(self, cluster: int, cluster_key: bytes):
        self.cluster = cluster
        self.cluster_key = cluster_key
        self.seed = derive(cluster_key, "heliograph authority", cluster)

    def key_epoch(self, epoch: int, start_s: int, secret: bytes, nodes: list[int]) -> tuple[dict, list[dict]]:
        """Makes the fields of a head and of its parts, one for each node of the cover."""
        label = b"heliograph commitment" + struct.pack(">HH", self.cluster, epoch)
        commitment = hashlib.sha256(label + secret).digest()[:16]
        payload = cbor2.dumps([self.cluster, epoch, start_s, len(nodes), commitment], canonical=True)
        key = OKPKey(crv=Ed25519, d=self.seed, x=self._public_key())
        phdr = {Algorithm: EdDSA, KID: struct.pack(">H", self.cluster)}
        signature = Sign1Message(phdr=phdr, payload=payload, key=key).compute_signature()
        head = {"keyEpoch": epoch, "startS": start_s, "parts": len(nodes)}
        parts = [self._part(node, epoch, secret) for node in nodes]
        return {**head, "commitment": commitment, "signature": signature}, parts

    def _public_key(self) -> bytes:
        return Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()

    def _part(self, node: int, epoch: int, secret: bytes) -> dict:
        key = derive(self.cluster_key, "heliograph path", self.cluster, node)
        nonce = struct.pack(">HH6xH", 0, node, epoch)
        covered = struct.pack(">HH", self.cluster, epoch)
        return {"keyEpoch": epoch, "node": node, "wrapped": ChaCha20Poly1305(key).encrypt(nonce, secret, covered)}
