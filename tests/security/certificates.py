"""A certificate authority for tests."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Authority:
    """Signs certificates; ``file`` is its root certificate in PEM."""

    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / "ca.pem"

    def sign(self, name: str, alternatives: str) -> Path:
        """Return a PEM file with a certificate and its key.

        Args:
            name: The file's stem and the common name.
            alternatives: The subject alternative names, such as ``DNS:localhost,IP:127.0.0.1``.
        """
        made = self.folder / f"{name}.pem"
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={alternatives}\n")
        key, request = self.folder / f"{name}.key", self.folder / f"{name}.csr"
        _openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        signed_by = ("-CA", self.file, "-CAkey", self.folder / "ca.key", "-CAcreateserial")
        _openssl("x509", "-req", "-in", request, *signed_by, "-days", "2", "-extfile", extensions, "-out", made)
        made.write_bytes(made.read_bytes() + key.read_bytes())
        return made


def make_authority(folder: Path) -> Authority:
    """Create an authority whose files are in this folder."""
    authority = Authority(folder)
    key = ("-keyout", folder / "ca.key", "-out", authority.file)
    _openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *key, "-subj", "/CN=authority")
    return authority


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60)
