"""Under which name a store keeps a photo."""

import hashlib

from domain.photos.photo import PhotoSize


def storage_names(photo_id: str) -> dict[PhotoSize, str]:
    """For each size ``ab/cdef...-64.webp``, of the SHA-256 of the id.

    So an id is never a path, whatever is asked for (F07), the files spread over 256 folders, and who can list the store
    learns no address of a photo, which is all that it takes to see one (F10).
    """
    digest = hashlib.sha256(photo_id.encode("utf-8", "surrogatepass")).hexdigest()
    return {size: f"{digest[:2]}/{digest[2:]}-{size:d}.webp" for size in PhotoSize}
