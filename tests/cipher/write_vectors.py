"""Writes the known answers that are missing: `python -m tests.cipher.write_vectors`.

A file that exists is never written again: if this release gives another answer, it cannot open
what an earlier one has stored.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.cipher.rings import BINDING, KNOWN, ONE, PLAINTEXT, TWO
from tests.codec.credential_cases import CREDENTIAL_RECORDS
from tests.codec.secret_cases import NOW, SECRET_RECORDS
from turnkeep_domain.secrets.binding import Binding
from turnkeep_domain.secrets.canary import CanaryKey
from turnkeep_domain.secrets.material import Material
from turnkeep_domain.secrets.sealing import KeyId

DIRECTORY: Final = Path(__file__).with_name("vectors")


def ciphered() -> Mapping[str, str]:
    """What the cipher answers for known keys, salt, nonce and material."""
    with Material.of(PLAINTEXT) as material:
        envelope = KNOWN.encrypt(material, BINDING)
        codes = KNOWN.codes(b"arguments", material)
    return {
        "key_id_one": ONE.id.hex(),
        "key_id_two": TWO.id.hex(),
        "binding": BINDING.encoded().hex(),
        "envelope": envelope.hex(),
        "seal": KNOWN.seal(BINDING, envelope).hex(),
        "seal_alone": KNOWN.seal(BINDING, b"").hex(),
        "code_one": codes[0].hex(),
        "code_two": codes[1].hex(),
    }


def bindings() -> Mapping[str, str]:
    """What every sealed record is bound to: how many bytes, and their digest."""
    told: dict[str, str] = {}
    for (tag, case), record in {**SECRET_RECORDS, **CREDENTIAL_RECORDS}.items():
        binding = getattr(record, "binding", None)
        if binding is not None:
            told[f"{tag}.{case}"] = _told(binding())
    listed = CanaryKey(key_id=KeyId(bytes(16)), envelope=bytes(100), added_at=NOW, retired=False)
    return {**told, "canary_key": _told(listed.binding())}


def _told(binding: Binding) -> str:
    encoded = binding.encoded()
    return f"{len(encoded)}:{hashlib.sha256(encoded).hexdigest()}"


def answers() -> Mapping[str, Mapping[str, str]]:
    """Every file, by name."""
    return {"cipher-v1.json": ciphered(), "bindings-v1.json": bindings()}


if __name__ == "__main__":
    for name, told in answers().items():
        path = DIRECTORY / name
        known = json.loads(path.read_text()) if path.exists() else {}
        changed = [one for one in known if told.get(one) != known[one]]
        assert not changed, f"known answers are never overwritten: {changed}"
        path.write_text(json.dumps({**known, **told}, indent=1, sort_keys=True) + "\n")
        print(name, len(told))
