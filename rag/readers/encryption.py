"""Office files that are protected by a password, opened before their reader sees them."""

from __future__ import annotations

import io
import zipfile

from rag.errors import EncryptedDocument
from rag.readers.archives import member, open_zip

_COMPOUND_FILE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_OPEN_DOCUMENT = b"mimetypeapplication/vnd.oasis.opendocument."
_MANIFEST = "META-INF/manifest.xml"


def unlocked(data: bytes, name: str, password: str | None) -> bytes:
    """The file without its encryption; a file that has none as it is.

    Raises:
        EncryptedDocument: the password is missing or wrong, or the kind of encryption is not known.
    """
    if data.startswith(_COMPOUND_FILE) and _ENCRYPTED_PACKAGE in data:
        return _decrypted(data, name, password)
    if _OPEN_DOCUMENT in data[:100] and _is_locked(open_zip(data, name), name):
        raise EncryptedDocument(f"{name}: the file is encrypted. Save it without a password.")
    return data


def _is_locked(archive: zipfile.ZipFile, name: str) -> bool:
    return _MANIFEST in archive.namelist() and b":encryption-data" in member(archive, _MANIFEST, name)


def _decrypted(data: bytes, name: str, password: str | None) -> bytes:
    """The package inside (ECMA-376 documents: Word, Excel, PowerPoint since 2007)."""
    if password is None:
        raise EncryptedDocument(f"{name}: the file is encrypted. Give its password with --password.")
    import msoffcrypto  # type: ignore[import-untyped, unused-ignore]
    from msoffcrypto.exceptions import (  # type: ignore[import-untyped, unused-ignore]
        DecryptionError,
        FileFormatError,
        InvalidKeyError,
    )

    package = io.BytesIO()
    try:
        file = msoffcrypto.OfficeFile(io.BytesIO(data))
        file.load_key(password=password, verify_password=True)
        file.decrypt(package)
    except (InvalidKeyError, DecryptionError) as error:
        raise EncryptedDocument(
            f"{name}: the file is encrypted. The password given does not open it."
        ) from error
    except FileFormatError as error:
        raise EncryptedDocument(f"{name}: encrypted in a way that is not known ({error}).") from error
    return package.getvalue()
